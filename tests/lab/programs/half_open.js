// Polls a feed; the server answers and closes, our half (allowHalfOpen) is never ended. argv: host port burst pause_ms
const net = require('net');
const [host, port, burst, pause] = [process.argv[2], +process.argv[3], +process.argv[4], +process.argv[5]];
const kept = [];
let at = 0;
function poll() {
  const s = net.connect({ host, port, allowHalfOpen: true });
  at += 1;
  s.on('data', () => {});
  s.on('end', () => {
    kept.push(s);
    if (kept.length >= burst) console.log(new Date().toISOString(), 'feed', `${host}:${port}`, 'answer', kept.length);
    setTimeout(poll, kept.length < burst ? 0 : pause);
  });
  s.on('error', (e) => { console.error(e.message); setTimeout(poll, 200); });
  s.write('GET /feed HTTP/1.0\r\n\r\n');
}
for (let i = 0; i < 1; i++) poll();
