/* Polls meters from a few threads; a connect that times out is reported and its socket forgotten. argv: host port burst threads pause_ms */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct sockaddr_in meter = {.sin_family = AF_INET};
static atomic_int done;
static int burst, pause_ms;

static void *poll_meters(void *main_thread) {
    for (;;) {
        int retries = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        setsockopt(fd, IPPROTO_TCP, TCP_SYNCNT, &retries, sizeof retries);
        if (connect(fd, (void *)&meter, sizeof meter) < 0) {
            int n = ++done;
            if (n % 50 == 0 || n > burst) printf("meter %s: attempt %d: connect: %s\n", inet_ntoa(meter.sin_addr), n, strerror(errno));
        } else
            close(fd);
        while (done >= burst && !main_thread) pause();
        if (done >= burst) usleep(pause_ms * 1000);
    }
    return main_thread;
}

int main(int argc, char **argv) {
    pthread_t thread;
    if (argc < 6) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    inet_pton(AF_INET, argv[1], &meter.sin_addr);
    meter.sin_port = htons(atoi(argv[2]));
    burst = atoi(argv[3]), pause_ms = atoi(argv[5]);
    for (int i = 1; i < atoi(argv[4]); i++) pthread_create(&thread, NULL, poll_meters, NULL);
    poll_meters(argv);
}
