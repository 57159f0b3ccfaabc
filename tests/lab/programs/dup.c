/* Each request duplicates the upstream connection and closes nothing. argv: host port burst pause_ms */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int main(int argc, char **argv) {
    struct sockaddr_in to = {.sin_family = AF_INET};
    if (argc < 5 || !inet_pton(AF_INET, argv[1], &to.sin_addr)) return 2;
    to.sin_port = htons(atoi(argv[2]));
    setvbuf(stdout, NULL, _IOLBF, 0);
    int up[3];
    for (int i = 0; i < 3; i++)
        if (connect(up[i] = socket(AF_INET, SOCK_STREAM, 0), (void *)&to, sizeof to)) return perror("connect"), 1;
    for (int n = 1, burst = atoi(argv[3]);; n++) {
        int copy = dup(up[n % 3]);
        if (copy < 0) perror("dup");
        else if (write(copy, "x", 1) < 0) perror("write");
        if (n >= burst) usleep(atoi(argv[4]) * 1000), printf("request %d served over channel %d\n", n, n % 3);
    }
}
