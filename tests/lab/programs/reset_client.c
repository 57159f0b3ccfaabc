/* Sends a request on a fresh connection; ECONNRESET returns without close. argv: host port burst pause_ms */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int query(struct sockaddr_in *to) {
    char answer[512];
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (void *)to, sizeof *to)) return close(fd), -errno;
    send(fd, "QUERY 1\r\n", 9, MSG_NOSIGNAL);
    if (recv(fd, answer, sizeof answer, 0) < 0) return -errno;
    return close(fd);
}

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (argc < 5 || !inet_pton(AF_INET, argv[1], &to.sin_addr)) return 2;
    to.sin_port = htons(atoi(argv[2]));
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 1, burst = atoi(argv[3]);; n++) {
        int error = query(&to);
        if (error && (n % 50 == 0 || n > burst)) printf("W: backend %s:%s: %s (%d failures)\n", argv[1], argv[2], strerror(-error), n);
        if (n >= burst) usleep(atoi(argv[4]) * 1000);
    }
}
