import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { getRequestListener } from '@hono/node-server';
import { type WebSocket, WebSocketServer } from 'ws';
import { listenOn } from './broker/index.ts';
import type { FleetConfig } from './config.ts';
import type { Origins } from './origins.ts';

/** A whole request, body included: the largest model over 5 Mbit/s. The default of Node, five minutes, would cut it off. */
const REQUEST_MS = 3_600_000;

export interface Listeners {
  httpPort: number;
  httpsPort: number;
  serve(
    api: { fetch: Parameters<typeof getRequestListener>[0] },
    origins: Origins,
    /** Undefined where devices connect elsewhere. */
    onMqtt: ((socket: WebSocket, address: string) => void) | undefined,
  ): void;
  close(): Promise<void>;
}

/**
 * The HTTP and HTTPS servers, listening; what is asked before `serve` waits for it. WebSockets at `/mqtt` go to the broker.
 * @throws StarlingError `port-taken`
 */
export async function openListeners(config: FleetConfig, certificates: { key: string; certificate: string }): Promise<Listeners> {
  const http = createHttpServer({ requestTimeout: REQUEST_MS });
  const https = createHttpsServer({ key: certificates.key, cert: certificates.certificate, requestTimeout: REQUEST_MS });
  const mqtt = new WebSocketServer({
    noServer: true,
    handleProtocols: (protocols) => (protocols.has('mqtt') ? 'mqtt' : false),
    maxPayload: 1024 * 1024,
  });
  const close = async (): Promise<void> => {
    for (const server of [http, https]) {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    }
  };
  // A request that nobody takes is never answered, and a device that asked while the fleet started would wait for ever.
  const early: [IncomingMessage, ServerResponse][] = [];
  const hold = (request: IncomingMessage, response: ServerResponse): void => void early.push([request, response]);
  for (const server of [http, https]) server.on('request', hold);
  try {
    const httpPort = await listenOn(http, config.httpPort, config.insecure ? config.host : '127.0.0.1', 'httpPort');
    const httpsPort = await listenOn(https, config.httpsPort, config.host, 'httpsPort');
    return {
      httpPort,
      httpsPort,
      close,
      serve(api, origins, onMqtt) {
        const listener = getRequestListener(api.fetch);
        for (const server of [http, https]) {
          server.off('request', hold);
          server.on('request', listener);
          server.on('upgrade', (request, socket, head) => {
            if (onMqtt === undefined || new URL(request.url ?? '/', 'http://localhost').pathname !== '/mqtt') return void socket.destroy();
            // Attack: a page of another site that speaks to the broker from within somebody's network. Agents outside browsers send no Origin.
            const { origin, host } = request.headers;
            if (origin !== undefined && origins.ofDevice(origin, host) === undefined)
              return void socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
            mqtt.handleUpgrade(request, socket, head, (opened) => onMqtt(opened, request.socket.remoteAddress ?? ''));
          });
        }
        for (const [request, response] of early.splice(0)) void listener(request, response);
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
