/* The set-ups of budgets.c: 20 ports, unless it says otherwise. */
static const struct setup setups[] = {
    /* nothing special */
    {"nothing", "listen 127.0.0.1:80", "127.0.0.1:80", false},
    {"nothing, IPv6", "listen [::1]:80", "[::1]:80", false},
    {"seven live", "listen 127.0.0.1:80;connect 7 127.0.0.1:80", "127.0.0.1:80", false},
    {"seven live, IPv6", "listen [::1]:80;connect 7 [::1]:80", "[::1]:80", false},
    {"seven live to another port", "listen 127.0.0.1:80;listen 127.0.0.1:81;connect 7 127.0.0.1:81",
     "127.0.0.1:80", false},
    {"all live", "listen 127.0.0.1:80;connect 20 127.0.0.1:80", "127.0.0.1:80", false},
    {"seven by veth", "veth;plisten 10.0.0.2:80;connect 7 10.0.0.2:80", "10.0.0.2:80", false},
    {"seven by veth, IPv6", "veth;plisten [fd00::2]:80;connect 7 [fd00::2]:80", "[fd00::2]:80",
     false},

    /* bind() before connect() */
    {"bind(0) to another port",
     "listen 127.0.0.1:80;listen 127.0.0.1:81;connect 9 127.0.0.1:81 bind0", "127.0.0.1:80", false},
    {"bind(0) to another address", "listen 0.0.0.0:80;connect 9 127.0.0.2:80 from 127.0.0.1 bind0",
     "127.0.0.1:80", false},
    {"bind(0) uses the range up", "listen 0.0.0.0:80;connect 20 127.0.0.2:80 from 127.0.0.1 bind0",
     "127.0.0.3:80", false},
    {"bind(0) and connect() on the same ports",
     "listen 0.0.0.0:80;connect 20 127.0.0.2:80;connect 12 127.0.0.3:80 from 127.0.0.9 bind0",
     "127.0.0.4:80", false},
    {"bind(0), closed again, beside connect()",
     "listen 0.0.0.0:80;connect 20 127.0.0.2:80;connect 12 127.0.0.3:80 from 127.0.0.9 bind0;"
     "close server",
     "127.0.0.4:80", false},
    {"bind(0) to the same destination", "listen 127.0.0.1:80;connect 9 127.0.0.1:80 bind0",
     "127.0.0.1:80", false},
    {"bind(0) to the same destination from another source",
     "listen 127.0.0.1:80;connect 9 127.0.0.1:80 from 127.0.0.9 bind0", "127.0.0.1:80", false},
    {"explicit ports to another port",
     "listen 127.0.0.1:80;listen 127.0.0.1:81;connect 5 127.0.0.1:81 ports 40003", "127.0.0.1:80",
     false},
    {"explicit ports to the same", "listen 127.0.0.1:80;connect 5 127.0.0.1:80 ports 40003",
     "127.0.0.1:80", false},
    {"explicit ports, SO_REUSEADDR, beside connect()",
     "listen 0.0.0.0:80;connect 20 127.0.0.2:80;connect 6 127.0.0.3:80 from 127.0.0.9 ports 40004 "
     "reuse",
     "127.0.0.1:80", false},
    {"explicit ports, IPv6", "listen 127.0.0.1:80;listen [::1]:81;connect 5 [::1]:81 ports 40003",
     "127.0.0.1:80", false},
    {"bound and idle", "listen 127.0.0.1:80;bind 4 127.0.0.1:40002", "127.0.0.1:80", false},
    {"bound and idle, with SO_REUSEADDR", "listen 127.0.0.1:80;bind 4 127.0.0.7:40002 reuse",
     "127.0.0.1:80", false},
    {"bound and idle, port 0", "listen 127.0.0.1:80;bind 4 127.0.0.7:0", "127.0.0.1:80", false},
    {"bound and idle, IPv6", "listen 127.0.0.1:80;bind 4 [::1]:40002", "127.0.0.1:80", false},
    {"no port, own source", "listen 0.0.0.0:80;connect 9 127.0.0.1:80 from 127.0.0.9",
     "127.0.0.1:80", false},
    {"by veth, bind(0) to another destination",
     "veth;plisten 0.0.0.0:80;connect 9 10.0.0.12:80 bind0", "10.0.0.2:80", false},

    /* listeners in the range */
    {"listeners in the range", "listen 127.0.0.1:80;listen 127.0.0.9:40004;listen [::1]:40007",
     "127.0.0.1:80", false},
    {"accepted by a listener in the range",
     "listen 127.0.0.1:80;listen 127.0.0.1:40004;connect 3 127.0.0.1:40004 from 127.0.0.9 ports "
     "5000",
     "127.0.0.1:80", false},
    {"accepted, the listener closed",
     "listen 127.0.0.1:80;listen 127.0.0.1:40004;connect 3 127.0.0.1:40004 from 127.0.0.9 ports "
     "5000;unlisten",
     "127.0.0.1:80", false},
    {"accepted, the listener closed, in TIME-WAIT",
     "listen 127.0.0.1:80;listen 127.0.0.1:40004;connect 3 127.0.0.1:40004 from 127.0.0.9 ports "
     "5000;close server;unlisten",
     "127.0.0.1:80", false},
    {"passive: several listeners closed",
     "listen 127.0.0.1:80;listen 127.0.0.1:40001;connect 1 127.0.0.1:40001 ports 5000;unlisten;"
     "listen 127.0.0.1:40002;connect 1 127.0.0.1:40002 ports 5001;unlisten;"
     "listen 127.0.0.1:40008;connect 1 127.0.0.1:40008 ports 5002;unlisten",
     "127.0.0.1:80", false},

    /* TIME-WAIT */
    {"TIME-WAIT, at once",
     "sysctl tcp_tw_reuse_delay 30000;listen 127.0.0.1:80;connect 9 127.0.0.1:80;close client",
     "127.0.0.1:80", false},
    {"TIME-WAIT, after the delay",
     "listen 127.0.0.1:80;connect 9 127.0.0.1:80;close client;wait 1300", "127.0.0.1:80", false},
    {"TIME-WAIT, all of them, after the delay",
     "listen 127.0.0.1:80;connect 20 127.0.0.1:80;close client;wait 1300", "127.0.0.1:80", false},
    {"TIME-WAIT, tcp_tw_reuse=0",
     "sysctl tcp_tw_reuse 0;listen 127.0.0.1:80;connect 9 127.0.0.1:80;close client;wait 1300",
     "127.0.0.1:80", false},
    {"TIME-WAIT, IPv6, after the delay",
     "listen [::1]:80;connect 9 [::1]:80;close client;wait 1300", "[::1]:80", false},
    {"TIME-WAIT, without timestamps",
     "sysctl tcp_timestamps 0;listen 127.0.0.1:80;connect 9 127.0.0.1:80;close client;wait 1300",
     "127.0.0.1:80", false},
    {"TIME-WAIT, explicit ports, another destination",
     "listen 0.0.0.0:80;connect 9 127.0.0.2:80 from 127.0.0.1 ports 40002;close client;wait 1300",
     "127.0.0.1:80", false},
    {"TIME-WAIT, explicit ports, the same destination",
     "listen 0.0.0.0:80;connect 9 127.0.0.1:80 from 127.0.0.1 ports 40002;close client;wait 1300",
     "127.0.0.1:80", false},
    {"TIME-WAIT, bind(0), another destination",
     "listen 0.0.0.0:80;connect 9 127.0.0.2:80 from 127.0.0.1 bind0;close client", "127.0.0.1:80",
     false},
    {"TIME-WAIT, connect(), another destination",
     "listen 0.0.0.0:80;connect 9 127.0.0.2:80;close client", "127.0.0.1:80", false},
    {"TIME-WAIT of the server", "listen 127.0.0.1:80;connect 9 127.0.0.1:80;close server;wait 1300",
     "127.0.0.1:80", false},
    {"TIME-WAIT by veth, after the delay",
     "veth;plisten 10.0.0.2:80;connect 9 10.0.0.2:80;close client;wait 1300", "10.0.0.2:80", false},
    {"TIME-WAIT by veth, tcp_tw_reuse=1",
     "veth;sysctl tcp_tw_reuse 1;plisten 10.0.0.2:80;connect 9 10.0.0.2:80;close client;wait 1300",
     "10.0.0.2:80", true},
    {"TIME-WAIT by veth, tcp_tw_reuse=1, at once",
     "sysctl tcp_tw_reuse_delay 30000;veth;sysctl tcp_tw_reuse 1;plisten 10.0.0.2:80;connect 9 "
     "10.0.0.2:80;close client",
     "10.0.0.2:80", false},
    {"TIME-WAIT by veth, IPv6, tcp_tw_reuse=1",
     "veth;sysctl tcp_tw_reuse 1;plisten [fd00::2]:80;connect 9 [fd00::2]:80;close client;wait "
     "1300",
     "[fd00::2]:80", true},
    {"TIME-WAIT by veth, a peer without timestamps, one still open",
     "veth;psysctl tcp_timestamps 0;sysctl tcp_tw_reuse 1;plisten 10.0.0.2:80;connect 1 "
     "10.0.0.2:80;connect 9 10.0.0.2:80;close client;wait 1300",
     "10.0.0.2:80", false},
    {"TIME-WAIT by veth, a peer without timestamps",
     "veth;psysctl tcp_timestamps 0;sysctl tcp_tw_reuse 1;plisten 10.0.0.2:80;connect 9 "
     "10.0.0.2:80;close client;wait 1300",
     "10.0.0.2:80 tw", false},
    {"TIME-WAIT, timestamps switched off since",
     "listen 127.0.0.1:80;connect 9 127.0.0.1:80;close client;wait 1300;sysctl tcp_timestamps 0",
     "127.0.0.1:80 tw", false},
    {"TIME-WAIT, timestamps switched on since",
     "sysctl tcp_timestamps 0;listen 127.0.0.1:80;connect 9 127.0.0.1:80;close client;wait 1300;"
     "sysctl tcp_timestamps 1",
     "127.0.0.1:80 tw", false},
    {"own address, TIME-WAIT after the delay",
     "veth;listen 10.0.0.1:80;connect 9 10.0.0.1:80;close client;wait 1300", "10.0.0.1:80", false},
    {"own address from loopback, TIME-WAIT after the delay",
     "veth;listen 10.0.0.1:80;connect 9 10.0.0.1:80 from 127.0.0.1;close client;wait 1300",
     "10.0.0.1:80 from 127.0.0.1", false},
    {"delay changed",
     "sysctl tcp_tw_reuse_delay 3000;listen 127.0.0.1:80;connect 9 127.0.0.1:80;close client;wait "
     "1300",
     "127.0.0.1:80", false},

    /* other states */
    {"FIN-WAIT-2 orphans", "listen 127.0.0.1:80;connect 9 127.0.0.1:80;leave client;wait 1300",
     "127.0.0.1:80", false},
    {"FIN-WAIT-2, then TIME-WAIT",
     "sysctl tcp_tw_reuse_delay 30000;listen 127.0.0.1:80;connect 9 127.0.0.1:80;leave client;wait "
     "1300;close server",
     "127.0.0.1:80", false},
    {"CLOSE-WAIT", "listen 127.0.0.1:80;connect 9 127.0.0.1:80;leave server", "127.0.0.1:80",
     false},
    {"an address that does not answer",
     "veth;run ip neigh add 10.0.0.99 lladdr 02:00:00:00:00:09 dev v0", "10.0.0.99:80", false},

    /* several sources */
    {"another source is full", "veth;plisten 10.0.0.2:80;connect 20 10.0.0.2:80 from 10.0.0.11",
     "10.0.0.2:80", false},
    {"the other source is asked about",
     "veth;plisten 10.0.0.2:80;connect 20 10.0.0.2:80;connect 5 10.0.0.2:80 from 10.0.0.11",
     "10.0.0.2:80 from 10.0.0.11", false},
    {"bind(0) is asked about", "listen 0.0.0.0:80;connect 6 127.0.0.2:80 from 127.0.0.9",
     "127.0.0.1:80 from 127.0.0.9 bind0", false},
    {"bind(0) is asked about, TIME-WAIT",
     "listen 0.0.0.0:80;connect 6 127.0.0.1:80 from 127.0.0.9;close client;wait 1300",
     "127.0.0.1:80 from 127.0.0.9 bind0", false},

    /* mapped addresses, wildcards */
    {"mapped clients, asked about IPv4", "listen 127.0.0.1:80;connect 9 [::ffff:127.0.0.1]:80",
     "127.0.0.1:80", false},
    {"IPv4 clients, asked about mapped", "listen 127.0.0.1:80;connect 9 127.0.0.1:80",
     "[::ffff:127.0.0.1]:80", false},
    {"mapped clients in TIME-WAIT",
     "listen 127.0.0.1:80;connect 9 [::ffff:127.0.0.1]:80;close client;wait 1300", "127.0.0.1:80",
     false},
    {"the wildcard is loopback", "listen 127.0.0.1:80;connect 9 127.0.0.1:80", "0.0.0.0:80", false},
    {"the wildcard is loopback, IPv6", "listen [::1]:80;connect 9 [::1]:80", "[::]:80", false},

    /* devices */
    {"clients of a device", "veth;plisten 10.0.0.2:80;connect 9 10.0.0.2:80 dev v0", "10.0.0.2:80",
     false},
    {"asked with a device", "veth;plisten 10.0.0.2:80;connect 9 10.0.0.2:80", "10.0.0.2:80 dev v0",
     false},
    {"both with a device", "veth;plisten 10.0.0.2:80;connect 9 10.0.0.2:80 dev v0",
     "10.0.0.2:80 dev v0", false},
    {"fresh TIME-WAIT, asked with lo",
     "sysctl tcp_tw_reuse_delay 30000;listen 127.0.0.2:80;connect 2 127.0.0.2:80;close client;bind "
     "1 127.0.0.7:0",
     "127.0.0.2:80 dev lo", false},
    {"clients of lo", "listen 127.0.0.1:80;connect 9 127.0.0.1:80 dev lo;close client;wait 1300",
     "127.0.0.1:80", false},

    /* the range */
    {"own range", "listen 127.0.0.1:80;connect 3 127.0.0.1:80 own 40004 40006",
     "127.0.0.1:80 own 40005 40013", false},
    {"own range, partly outside", "listen 127.0.0.1:80", "127.0.0.1:80 own 30000 40004", false},
    {"own range, outside", "listen 127.0.0.1:80", "127.0.0.1:80 own 30000 30004", false},
    {"own range of an odd number", "listen 127.0.0.1:80", "127.0.0.1:80 own 40002 40004", false},
    {"reserved", "reserved 40003-40006,40010,50000;listen 127.0.0.1:80;connect 4 127.0.0.1:80",
     "127.0.0.1:80", false},
    {"all reserved", "listen 127.0.0.1:80;reserved 39000-41000", "127.0.0.1:80", false},
    {"an odd range", "range 40000 40010;listen 127.0.0.1:80", "127.0.0.1:80", true},
    {"an odd range, ends in use",
     "range 40000 40010;listen 127.0.0.1:80;bind 1 127.0.0.9:40000;bind 1 127.0.0.9:40010",
     "127.0.0.1:80", false},
    {"an odd range, ends reserved", "range 40000 40010;reserved 40000,40010;listen 127.0.0.1:80",
     "127.0.0.1:80", false},
    {"an odd range, only the lowest left",
     "range 40000 40004;listen 127.0.0.1:80;bind 4 127.0.0.9:40001", "127.0.0.1:80", true},
    {"an odd range, only the highest left",
     "range 40000 40004;listen 127.0.0.1:80;bind 4 127.0.0.9:40000", "127.0.0.1:80", true},
    {"an odd range, own range", "range 40000 40010;listen 127.0.0.1:80",
     "127.0.0.1:80 own 40000 40010", false},
    {"one port", "range 40000 40000;listen 127.0.0.1:80", "127.0.0.1:80", false},
    {"two ports", "range 40000 40001;listen 127.0.0.1:80", "127.0.0.1:80", false},
    {"three ports", "range 40000 40002;listen 127.0.0.1:80", "127.0.0.1:80", true},
    {"the destination is in the range", "listen 127.0.0.1:40004", "127.0.0.1:40004", false},

    /* each port named to bind() */
    {"each port", "listen 127.0.0.1:80", "127.0.0.1:80 each 5000 5009", false},
    {"each port, some in use",
     "listen 0.0.0.0:80;connect 3 127.0.0.1:80 ports 5002;connect 2 127.0.0.2:80 from 127.0.0.1 "
     "ports 5007",
     "127.0.0.1:80 each 5000 5009", false},
    {"each port, other addresses in use",
     "listen 0.0.0.0:80;connect 3 127.0.0.1:80 from 127.0.0.9 ports 5002;bind 1 127.0.0.8:5006",
     "127.0.0.1:80 from 127.0.0.1 each 5000 5009", false},
    {"each port, listeners and reservations",
     "reserved 5000-5009;listen 127.0.0.1:80;listen 127.0.0.1:5003;listen [::1]:5004",
     "127.0.0.1:80 each 5000 5009", false},
    {"each port, in TIME-WAIT",
     "listen 127.0.0.1:80;connect 3 127.0.0.1:80 ports 5002;close client",
     "127.0.0.1:80 each 5000 5009", false},
    {"each port, in TIME-WAIT with SO_REUSEADDR",
     "listen 127.0.0.1:80;connect 3 127.0.0.1:80 from 127.0.0.1 ports 5002 reuse;close client",
     "127.0.0.1:80 from 127.0.0.1 each 5000 5009 reuse", false},
    {"each port, the same, without timestamps",
     "sysctl tcp_timestamps 0;listen 127.0.0.1:80;connect 3 127.0.0.1:80 from 127.0.0.1 ports "
     "5002 reuse;close client",
     "127.0.0.1:80 from 127.0.0.1 each 5000 5009 reuse", false},
    {"each port, live with SO_REUSEADDR",
     "listen 0.0.0.0:80;connect 3 127.0.0.1:80 from 127.0.0.1 ports 5002 reuse;connect 2 "
     "127.0.0.2:80 from 127.0.0.1 ports 5007 reuse",
     "127.0.0.1:80 from 127.0.0.1 each 5000 5009 reuse", false},
    {"each port, some privileged", "listen 127.0.0.1:80", "127.0.0.1:80 each 1020 1027", false},
    {"each port by veth, IPv6", "veth;plisten [fd00::2]:80;connect 3 [fd00::2]:80 ports 5002",
     "[fd00::2]:80 each 5000 5009", false},

    /* no way */
    {"no route", "", "192.0.2.1:80", false},
    {"no such source", "listen 127.0.0.1:80", "127.0.0.1:80 from 192.0.2.1", false},
    {"lo is down", "run ip link set lo down", "127.0.0.1:80", false},
    {"no silent trial", "sysctl tcp_fastopen 0;listen 127.0.0.1:80;connect 9 127.0.0.1:80",
     "127.0.0.1:80", false},
};

/* --- by chance --- */

static const char *one_of(const char *const *list, size_t count) {
    return list[(size_t)random() % count];
}

/* Some of these after the other, where each leaves the others possible. */
static struct setup random_setup(void) {
    static const char *const first[] = {"",
                                        "",
                                        "",
                                        "sysctl tcp_tw_reuse 1;",
                                        "sysctl tcp_tw_reuse 0;",
                                        "range 40000 40015;",
                                        "reserved 40001,40006-40007;",

                                        "range 40001 40018;"};
    static const char *const parts[] = {
        "connect 2 127.0.0.1:80;",
        "connect 2 127.0.0.2:80;",
        "connect 2 127.0.0.2:80;close client;",
        "connect 2 127.0.0.1:80;close client;",
        "connect 2 127.0.0.1:80;close server;",
        "connect 2 127.0.0.1:81 bind0;",
        "connect 2 127.0.0.2:80 from 127.0.0.1 bind0;",
        "connect 2 127.0.0.2:80 from 127.0.0.9 bind0;close client;",
        "connect 2 127.0.0.1:80 from 127.0.0.9;",
        "connect 2 127.0.0.1:80 bind0;",
        "connect 2 [::ffff:127.0.0.1]:80;",
        "connect 2 [::1]:80;",
        "connect 2 [::1]:80 bind0;close client;",
        "connect 2 127.0.0.1:80 dev lo;",
        "connect 2 127.0.0.1:80 dev lo;close client;",
        "connect 2 10.0.0.2:80;",
        "connect 2 10.0.0.2:80;close client;",
        "connect 2 10.0.0.2:80 from 10.0.0.11 bind0;",
        "connect 2 10.0.0.2:80 from 10.0.0.11;close client;",
        "connect 2 10.0.0.12:80 dev v0;",
        "connect 2 10.0.0.1:80;close client;",
        "connect 2 [fd00::2]:80;",
        "connect 2 [fd00::2]:80;close client;",
        "connect 1 127.0.0.1:80;leave client;",
        "connect 1 127.0.0.1:80;leave server;",
        "bind 1 127.0.0.7:0;",
        "bind 1 [::1]:0 reuse;",
        "connect 1 127.0.0.2:80 from 127.0.0.8 own 40004 40009;",
        "wait 1100;",
    };
    static const char *const questions[] = {
        "127.0.0.1:80",
        "127.0.0.1:80",
        "127.0.0.2:80",
        "127.0.0.1:80 from 127.0.0.9",
        "127.0.0.1:80 from 127.0.0.9 bind0",
        "127.0.0.1:80 bind0",
        "127.0.0.2:80 dev lo",
        "[::ffff:127.0.0.1]:80",
        "[::1]:80",
        "0.0.0.0:80",
        "10.0.0.2:80",
        "10.0.0.2:80 from 10.0.0.11",
        "10.0.0.2:80 dev v0",
        "10.0.0.12:80",
        "10.0.0.1:80",
        "[fd00::2]:80",
        "127.0.0.1:80 own 40003 40012",
    };
    static char name[32], text[2048];
    static int count;
    snprintf(name, sizeof name, "by chance, %d", ++count);
    size_t used = (size_t)snprintf(
        text, sizeof text,
        "%sveth;plisten 0.0.0.0:80;plisten [fd00::2]:80;listen 127.0.0.1:80;listen "
        "127.0.0.2:80;listen 127.0.0.1:81;listen [::1]:80;listen 10.0.0.1:80;",
        one_of(first, sizeof first / sizeof first[0]));
    for (int i = 1 + (int)(random() % 6); i > 0; i--)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s",
                                 one_of(parts, sizeof parts / sizeof parts[0]));
    /* Either all in TIME-WAIT is old enough for connect(), or nothing is. */
    snprintf(text + used, sizeof text - used,
             random() % 2 == 0 ? "wait 1200" : "sysctl tcp_tw_reuse_delay 30000");
    return (struct setup){name, text, one_of(questions, sizeof questions / sizeof questions[0]),
                          false};
}
