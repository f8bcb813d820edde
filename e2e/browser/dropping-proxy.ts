/** A fleet -> the same at another address, behind a proxy that drops the headers by which a page is isolated. */
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

const DROPPED = ['cross-origin-opener-policy', 'cross-origin-embedder-policy'];

export async function openDroppingProxy(baseUrl: string): Promise<{ origin: string; close(): Promise<void> }> {
  const { hostname, port } = new URL(baseUrl);
  const server = createServer((asked, answer) => {
    const passed = request({ hostname, port, path: asked.url, method: asked.method, headers: asked.headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, without(response.headers));
      response.pipe(answer);
    });
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  server.on('upgrade', (asked, socket, head) => {
    const fleet = connect(Number(port), hostname, () => {
      const lines = asked.rawHeaders.flatMap((name, index, all) => (index % 2 === 0 ? [`${name}: ${all[index + 1]}`] : []));
      fleet.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      fleet.write(head);
      fleet.pipe(socket).pipe(fleet);
    });
    for (const [one, other] of [[socket, fleet] as const, [fleet, socket] as const]) one.on('error', () => other.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

function without(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !DROPPED.includes(name)));
}
