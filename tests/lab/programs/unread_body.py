"""A client that reads the status line only and keeps the response object: the peer closes, we do not."""
import http.client, sys, time

host, port, burst, pause = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
responses = []
while True:
    connection = http.client.HTTPConnection(host, port, timeout=10)
    try:
        connection.request("GET", "/v1/price", headers={"Connection": "close"})
        responses.append((connection, connection.getresponse()))
        if responses[-1][1].status != 200 or len(responses) > burst:
            print(time.strftime("%F %T"), "price from %s:%d -> %d" % (host, port, responses[-1][1].status), flush=True)
    except OSError as error:
        print(time.strftime("%F %T"), "price: %s" % error, flush=True)
        connection.close()
    time.sleep(0 if len(responses) < burst else pause)
