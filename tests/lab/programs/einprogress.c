/* Checks targets with non-blocking connects; a failed check returns before the close. argv: host port burst pause_ms [timeout_ms] */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int check(const char *host, int port, int timeout) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    int error = 0, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
    socklen_t size = sizeof error;
    if (fd < 0) return -errno;
    inet_pton(AF_INET, host, &to.sin_addr);
    if (connect(fd, (void *)&to, sizeof to) && errno != EINPROGRESS) return -errno;
    struct pollfd wait = {.fd = fd, .events = POLLOUT};
    if (poll(&wait, 1, timeout) == 0) return -ETIMEDOUT;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    if (error) return -error;
    close(fd);
    return 0;
}

int main(int argc, char **argv) {
    int burst = atoi(argv[3]), pause = atoi(argv[4]), timeout = argc > 5 ? atoi(argv[5]) : 2000;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 1;; n++) {
        int result = check(argv[1], atoi(argv[2]), timeout);
        if (result && (n > burst || n % 100 == 0)) printf("probe %d: %s:%s DOWN: %s\n", n, argv[1], argv[2], strerror(-result));
        if (n >= burst) usleep(pause * 1000);
    }
}
