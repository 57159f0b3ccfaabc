/* A TCP proxy in epoll: each accepted connection gets one upstream; end of file on either side closes both,
 * or, with a fourth argument, is not passed on and forgotten. argv: port host upport [forget] */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static int other[65536], poll_fd;

static void add(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    epoll_ctl(poll_fd, EPOLL_CTL_ADD, fd, &event);
}

int main(int argc, char **argv) {
    int one = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))}, up = at;
    struct epoll_event events[128];
    char buffer[8192];
    if (argc < 4 || !inet_pton(AF_INET, argv[2], &up.sin_addr)) return 2;
    up.sin_port = htons(atoi(argv[3]));
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(server, (void *)&at, sizeof at) || listen(server, 1024)) return perror("bind"), 1;
    add(server);
    for (;;) {
        int ready = epoll_wait(poll_fd, events, 128, -1);
        for (int i = 0; i < ready; i++) {
            int fd = events[i].data.fd;
            if (fd == server) {
                int a = accept4(server, NULL, NULL, SOCK_CLOEXEC), b = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
                if (a < 0 || b < 0 || a > 65535 || b > 65535) return perror("accept"), 1;
                if (connect(b, (void *)&up, sizeof up) && errno != EINPROGRESS) perror("connect");
                other[a] = b, other[b] = a, add(a), add(b);
                continue;
            }
            ssize_t got = read(fd, buffer, sizeof buffer);
            if (got > 0) send(other[fd], buffer, got, MSG_NOSIGNAL);
            else if (argc > 4) epoll_ctl(poll_fd, EPOLL_CTL_DEL, fd, NULL);
            else if (other[fd]) {
                int mate = other[fd];
                other[mate] = other[fd] = 0, close(mate), close(fd);
                for (int j = i + 1; j < ready; j++) if (events[j].data.fd == mate) events[j].data.fd = fd; /* stale: reads EBADF */
            }
        }
    }
}
