/* Opens listeners. argv: port count pause_ms mode; mode reload: one more SO_REUSEPORT listener each pause, any: fresh ports */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    int count = atoi(argv[2]), pause_ms = atoi(argv[3]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 1;; n++) {
        int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(argv[4][0] == 'r' ? atoi(argv[1]) : 0)};
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
        if (bind(fd, (void *)&at, sizeof at) || listen(fd, 5)) perror("bind");
        if (n >= count && pause_ms == 0) for (;;) pause();
        if (n >= count) usleep(pause_ms * 1000), printf("data channel %d opened\n", n);
    }
}
