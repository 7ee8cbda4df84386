#ifndef DEATHS_H
#define DEATHS_H

#include <stdint.h>

/* Coordinate of a sample that falls to zero. */
typedef struct {
    double at;
    int64_t sample;
} Death;

void sort_deaths(Death *, Death *spare, int64_t n);

#endif
