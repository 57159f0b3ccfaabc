/* Starts non-blocking connects and never looks at them again. argv: a.b.c port burst pause_ms; the last octet walks */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    char host[64];
    int burst = atoi(argv[3]), poll = epoll_create1(EPOLL_CLOEXEC);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 1; argc > 4; n++) {
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(argv[2]))};
        struct epoll_event event = {.events = EPOLLOUT | EPOLLONESHOT};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        snprintf(host, sizeof host, "%s.%d", argv[1], 10 + n % 4);
        inet_pton(AF_INET, host, &to.sin_addr);
        connect(fd, (void *)&to, sizeof to);
        epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
        if (n > burst) epoll_wait(poll, &event, 1, 20), printf("agent %s:%s not up yet, scheduling another try\n", host, argv[2]);
        if (n >= burst) usleep(atoi(argv[4]) * 1000);
    }
}
