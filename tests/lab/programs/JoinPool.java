import java.net.Socket;
import java.util.concurrent.Executors;
import java.util.concurrent.ExecutorService;

/** A healthy service: main joins its workers, each of 24 workers talks over one connection of its own. args: host port */
public class JoinPool {
    public static void main(String[] args) throws Exception {
        ExecutorService workers = Executors.newFixedThreadPool(24);
        Thread pump = new Thread(() -> {
            for (int i = 0; i < 24; i++) workers.submit(() -> {
                try (Socket socket = new Socket(args[0], Integer.parseInt(args[1]))) {
                    for (byte[] buffer = new byte[64]; ; Thread.sleep(300)) {
                        socket.getOutputStream().write("PING\r\n".getBytes());
                        if (socket.getInputStream().read(buffer) < 0) return null;
                    }
                }
            });
            try { Thread.sleep(Long.MAX_VALUE); } catch (InterruptedException e) { }
        });
        pump.start();
        pump.join();
    }
}
