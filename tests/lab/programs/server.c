/* An epoll server. argv: port mode [backlog]. Modes: close (healthy), forget (end of file never closed), keep (never looks at
 * idle peers), slow (accepts one a second), push (writes to each peer now and then). EMFILE is logged and retried. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void accept_all(int poll, int server, const char *mode) {
    for (;;) {
        int fd = accept4(server, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        if (fd < 0) {
            static time_t last;
            if (errno == EMFILE && time(NULL) != last) last = time(NULL), printf("[crit] accept4() failed (24: Too many open files)\n");
            if (errno == EMFILE) usleep(100000);
            return;
        }
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        if (*mode == 's') sleep(1);
    }
}

static void serve(int fd, const char *mode) {
    char buffer[4096];
    ssize_t got;
    while ((got = read(fd, buffer, sizeof buffer)) > 0) send(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 40, MSG_NOSIGNAL);
    if (got == 0 || errno != EAGAIN) {
        if (*mode == 'f') return; /* the session table forgets it, nobody closes it */
        close(fd);
    }
}

int main(int argc, char **argv) {
    int one = 1, server = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), poll = epoll_create1(EPOLL_CLOEXEC);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    struct epoll_event event = {.events = EPOLLIN, .data.fd = server}, events[64];
    setvbuf(stdout, NULL, _IOLBF, 0);
    setsockopt(server, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(server, (void *)&at, sizeof at) || listen(server, argc > 3 ? atoi(argv[3]) : 511)) return perror("bind"), 1;
    epoll_ctl(poll, EPOLL_CTL_ADD, server, &event);
    printf("listening on 0.0.0.0:%s\n", argv[1]);
    for (;;) {
        int ready = epoll_wait(poll, events, 64, -1);
        for (int i = 0; i < ready; i++)
            if (events[i].data.fd == server) accept_all(poll, server, argv[2]);
            else serve(events[i].data.fd, argv[2]);
    }
}
