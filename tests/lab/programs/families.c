/* Opens a socket of an odd family for each poll and keeps it. argv: netlink|packet|raw|diag burst pause_ms */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int one(const char *family) {
    if (family[0] == 'p') return socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ARP));
    if (family[0] == 'r') return socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
    int fd = socket(AF_NETLINK, SOCK_RAW, family[0] == 'd' ? NETLINK_SOCK_DIAG : NETLINK_ROUTE);
    struct sockaddr_nl me = {.nl_family = AF_NETLINK, .nl_groups = family[0] == 'd' ? 0 : RTMGRP_LINK};
    bind(fd, (void *)&me, sizeof me);
    return fd;
}

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (int n = 1, burst = atoi(argv[2]);; n++) {
        if (one(argv[1]) < 0) perror("socket");
        if (n >= burst) usleep(atoi(argv[3]) * 1000), printf("poll %d of the interface table\n", n);
    }
}
