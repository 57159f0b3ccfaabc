/* An event server with one epoll and one eventfd per thread, and one shared listener: 64 of each by design. argv: port threads */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

static int server;

static void *loop(void *unused) {
    int poll = epoll_create1(EPOLL_CLOEXEC), wake = eventfd(0, EFD_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = wake};
    epoll_ctl(poll, EPOLL_CTL_ADD, wake, &event);
    event.events |= EPOLLEXCLUSIVE, event.data.fd = server;
    epoll_ctl(poll, EPOLL_CTL_ADD, server, &event);
    for (char buffer[512];;) {
        if (epoll_wait(poll, &event, 1, -1) < 1) continue;
        int fd = event.data.fd;
        if (fd == server) {
            fd = accept(server, NULL, NULL);
            event.events = EPOLLIN, event.data.fd = fd;
            epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        } else if (read(fd, buffer, sizeof buffer) <= 0 || write(fd, "ok\n", 3) < 0)
            close(fd);
    }
    return unused;
}

int main(int argc, char **argv) {
    pthread_t thread;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[1]))};
    server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (argc < 3 || bind(server, (void *)&at, sizeof at) || listen(server, 512)) return perror("bind"), 1;
    for (int i = 1; i < atoi(argv[2]); i++) pthread_create(&thread, NULL, loop, NULL);
    loop(NULL);
}
