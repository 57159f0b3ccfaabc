import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;

/** Reconnects to a broker in non-blocking mode; a refused channel is dropped from the map but never closed. */
public class NioRefused {
    static final List<SocketChannel> dropped = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        InetSocketAddress broker = new InetSocketAddress(args[0], Integer.parseInt(args[1]));
        int burst = Integer.parseInt(args[2]), pause = Integer.parseInt(args[3]);
        for (int attempt = 1; ; attempt++) {
            SocketChannel channel = SocketChannel.open();
            channel.configureBlocking(false);
            channel.connect(broker);
            Thread.sleep(attempt < burst ? 1 : 40);
            if (!channel.isConnected()) { // finishConnect() would have told why, and closed it
                dropped.add(channel);
                if (attempt % 200 == 0 || attempt > burst)
                    System.out.println(LocalDateTime.now() + " WARN [net-0] Connection to node 7 (" + args[0] + "/" + args[0] + ":" + args[1]
                        + ") could not be established. Broker may not be available.");
            }
            if (attempt >= burst) Thread.sleep(pause);
        }
    }
}
