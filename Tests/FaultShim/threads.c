/* A system that gives no threads: what a container's limit on processes does to pthread_create. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

typedef int create(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
    if (getenv("FAULT_SHIM_NO_THREADS")) return EAGAIN;
    create *next = (create *)dlsym(RTLD_NEXT, "pthread_create");
    return next(thread, attributes, start, argument);
}
