import java.net.InetSocketAddress;
import java.nio.channels.Selector;
import java.nio.channels.SocketChannel;
import java.util.ArrayList;
import java.util.List;

/** Builds a client object, with a selector of its own, for every call. args: host port burst pause_ms; port 0 opens no channel. */
public class SelectorPerCall {
    static final List<Object> clients = new ArrayList<>();

    public static void main(String[] args) throws Exception {
        int port = Integer.parseInt(args[1]), burst = Integer.parseInt(args[2]), pause = Integer.parseInt(args[3]);
        for (int call = 1; ; call++) {
            Selector selector = Selector.open();
            clients.add(selector);
            if (port > 0) {
                SocketChannel channel = SocketChannel.open(new InetSocketAddress(args[0], port));
                channel.configureBlocking(false);
                channel.register(selector, 1);
                clients.add(channel);
            }
            selector.selectNow();
            if (call > burst) System.out.println("INFO transport: client " + call + " created");
            if (call >= burst) Thread.sleep(pause);
        }
    }
}
