/* Constants of the kernel that older C libraries do not have; those of SO_... are the ones of
 * <asm-generic/socket.h>. <linux/in.h> cannot be included together with <netinet/in.h>. */
#ifndef PORTREUSE_KERNEL_UAPI_H
#define PORTREUSE_KERNEL_UAPI_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#ifndef SO_BINDTOIFINDEX
#define SO_BINDTOIFINDEX 62 /* <asm/socket.h>, Linux 5.0 */
#endif
#ifndef SO_INCOMING_CPU
#define SO_INCOMING_CPU 49 /* <asm/socket.h>, Linux 3.19 */
#endif
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262 /* <linux/in.h>, Linux 5.6 */
#endif
#ifndef IP_BIND_ADDRESS_NO_PORT
#define IP_BIND_ADDRESS_NO_PORT 24 /* <linux/in.h>, Linux 4.2 */
#endif
#ifndef IP_LOCAL_PORT_RANGE
#define IP_LOCAL_PORT_RANGE 51 /* <linux/in.h>, Linux 6.3 */
#endif
#ifndef IPV6_TRANSPARENT
#define IPV6_TRANSPARENT 75 /* <linux/in6.h> */
#endif
#ifndef IPV6_FREEBIND
#define IPV6_FREEBIND 78 /* <linux/in6.h>, Linux 4.15 */
#endif
#ifndef TCP_FASTOPEN_CONNECT
#define TCP_FASTOPEN_CONNECT 30 /* <linux/tcp.h>, Linux 4.11 */
#endif
#ifndef TCP_FASTOPEN_NO_COOKIE
#define TCP_FASTOPEN_NO_COOKIE 34 /* <linux/tcp.h>, Linux 4.15 */
#endif

#endif
