/* API marks the functions that Python calls; all others stay inside the library. */
#ifndef API_H
#define API_H

#ifdef _WIN32
#define API __declspec(dllexport)
#else
#define API __attribute__((visibility("default")))
#endif

#endif
