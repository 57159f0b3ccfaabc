/* Reserves a local address for each call and gives up before connecting. argv: address burst pause_ms */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_in from = {.sin_family = AF_INET};
    if (argc < 4 || !inet_pton(AF_INET, argv[1], &from.sin_addr)) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 1, burst = atoi(argv[2]);; n++) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (bind(fd, (void *)&from, sizeof from)) perror("bind");
        if (n % 100 == 0 || n > burst) printf("call %d: licence check failed, call dropped\n", n);
        if (n >= burst) usleep(atoi(argv[3]) * 1000);
    }
}
