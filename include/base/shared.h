/* Memory that processes, or a process and the kernel, share. tcc has no atomic operations; what it
 * stores and loads stays in the order of the source. */
#ifndef PORTREUSE_BASE_SHARED_H
#define PORTREUSE_BASE_SHARED_H

#ifdef __TINYC__
#include <stdbool.h>
typedef volatile bool atomic_bool;
typedef volatile int atomic_int;
typedef volatile unsigned atomic_uint;
typedef volatile unsigned long long atomic_ullong;
#define _Atomic volatile
#define atomic_load(from)         (*(from))
#define atomic_store(to, value)   (*(to) = (value))
#define shared_acquire(from)      (*(const volatile __typeof__(*(from)) *)(from))
#define shared_release(to, value) (*(volatile __typeof__(*(to)) *)(to) = (value))
#else
#include <stdatomic.h>
/* What was written before the value was released is seen once it has been acquired. */
#define shared_acquire(from)      __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define shared_release(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)
#endif

#endif
