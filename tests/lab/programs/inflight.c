/* Hands sockets to a worker that has stopped receiving: sent over a unix socket, closed here, received by nobody. argv: batches */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

static void hand(int channel, int *fds, int count) {
    char one = 'f', space[CMSG_SPACE(sizeof(int) * 100)];
    struct iovec data = {&one, 1};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1, .msg_control = space, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS, head->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
    if (sendmsg(channel, &message, MSG_DONTWAIT) < 0) perror("sendmsg");
}

int main(int argc, char **argv) {
    int pair[2], fds[100];
    if (argc < 2) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int batch = 0; batch < atoi(argv[1]); batch++) {
        if (batch % 10 == 0) socketpair(AF_UNIX, SOCK_STREAM, 0, pair); /* a channel per worker, never read */
        for (int i = 0; i < 100; i++) fds[i] = socket(AF_INET, SOCK_STREAM, 0);
        hand(pair[0], fds, 100);
        for (int i = 0; i < 100; i++) close(fds[i]);
        printf("handed 100 sockets to worker %d\n", batch / 10);
    }
    for (;;) sleep(1);
}
