/* The quiet innocents of a lab host, one binary under several names (argv[0] tells which):
 * init reaps; sshd and node_exporter listen; chronyd holds a UDP socket; a bus keeps a unix socket with clients. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static int inet(int family, int type, int port) {
    int one = 1, fd = socket(family, type | SOCK_CLOEXEC, 0);
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (bind(fd, family == AF_INET ? (void *)&v4 : (void *)&v6, family == AF_INET ? sizeof v4 : sizeof v6)) perror("bind");
    if (type == SOCK_STREAM) listen(fd, 128);
    return fd;
}

static int local(const char *path, int server) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    strncpy(name.sun_path, path, sizeof name.sun_path - 1);
    if (server) {
        unlink(path);
        bind(fd, (void *)&name, sizeof name);
        listen(fd, 64);
    } else
        while (connect(fd, (void *)&name, sizeof name)) usleep(20000);
    return fd;
}

int main(int argc, char **argv) {
    const char *base = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
    const char *bus = "/run/dbus/system_bus_socket";
    if (!strcmp(base, "init")) {
        prctl(PR_SET_NAME, "systemd");
        epoll_create1(EPOLL_CLOEXEC);
        for (;;) if (waitpid(-1, NULL, 0) < 0) sleep(1);
    }
    if (!strcmp(base, "sshd")) inet(AF_INET, SOCK_STREAM, 22), inet(AF_INET6, SOCK_STREAM, 22);
    if (!strcmp(base, "node_exporter")) inet(AF_INET6, SOCK_STREAM, 9100);
    if (!strcmp(base, "chronyd")) inet(AF_INET, SOCK_DGRAM, 323), inet(AF_INET6, SOCK_DGRAM, 323);
    if (!strcmp(base, "cron") || !strcmp(base, "agetty")) local(bus, 0);
    if (!strcmp(base, "rsyslogd")) local("/run/systemd/journal.sock", 1), inet(AF_INET, SOCK_DGRAM, 514);
    if (!strcmp(base, "snmpd")) for (int i = 0; i < 3; i++) local(bus, 0);
    if (!strcmp(base, "dbus-daemon")) {
        struct epoll_event event = {.events = EPOLLIN};
        int fd = local(bus, 1), poll = epoll_create1(EPOLL_CLOEXEC);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        for (;;) if (epoll_wait(poll, &event, 1, -1) > 0) accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    }
    for (;;) pause();
}
