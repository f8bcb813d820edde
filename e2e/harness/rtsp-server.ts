/** A picture -> what an IP camera does: H.264 that a real encoder makes, over RTSP and RTP in one TCP connection (RFC 2326, section 10.12). */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';

export interface RtspServer {
  url: string;
  port: number;
  /** Requests that came, e.g. `DESCRIBE`, in order. */
  readonly requests: readonly string[];
  /** How often somebody began to play. */
  played(): number;
  /** Sends no more to those who play now, and leaves their connections open: a camera that lost its power. */
  freeze(): void;
  /** Ends everything at once, as a camera that is started again. */
  close(): Promise<void>;
}

export interface RtspServerOptions {
  /** Path of the program. */
  ffmpeg: string;
  /** Path of what the camera sees. */
  picture: string;
  /** 0 takes a free one. */
  port?: number;
}

const FRAMES_PER_SECOND = 10;
const PAYLOAD_TYPE = 96;
const description = [
  ...['v=0', 'o=- 0 0 IN IP4 127.0.0.1', 's=camera', 'c=IN IP4 0.0.0.0', 't=0 0', 'a=control:*'],
  ...[`m=video 0 RTP/AVP ${PAYLOAD_TYPE}`, `a=rtpmap:${PAYLOAD_TYPE} H264/90000`],
  ...[`a=fmtp:${PAYLOAD_TYPE} packetization-mode=1`, 'a=control:trackID=0', ''],
].join('\r\n');

/** Where the packets of one player go: the channels of its connection that it asked for. */
interface Player {
  channels: { rtp: number; rtcp: number };
  isPlaying: boolean;
}

export async function startRtspServer({ ffmpeg, picture, port = 0 }: RtspServerOptions): Promise<RtspServer> {
  const players = new Map<Socket, Player>();
  const connections = new Set<Socket>();
  const requests: string[] = [];
  let played = 0;
  const forward = (channel: keyof Player['channels']) => (packet: Buffer) => {
    for (const [socket, { channels, isPlaying }] of players) {
      if (isPlaying) socket.write(interleaved(channels[channel], packet));
    }
  };
  const rtp = await openDatagrams(forward('rtp'));
  const rtcp = await openDatagrams(forward('rtcp'));
  const encoder = startEncoder(ffmpeg, picture, rtp.address().port, rtcp.address().port);
  const server = createServer((socket) => {
    connections.add(socket);
    const player: Player = { channels: { rtp: 0, rtcp: 1 }, isPlaying: false };
    socket.on('error', () => undefined);
    socket.on('close', () => {
      connections.delete(socket);
      players.delete(socket);
    });
    const read = createRequestReader((request) => {
      requests.push(request.method);
      socket.write(answer(request, player, url));
      if (request.method === 'SETUP') players.set(socket, player);
      if (request.method === 'PLAY') {
        player.isPlaying = true;
        played += 1;
      }
      if (request.method === 'TEARDOWN') socket.end();
    });
    socket.on('data', read);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const opened = (server.address() as AddressInfo).port;
  const url = `rtsp://127.0.0.1:${opened}/scene`;
  return {
    url,
    port: opened,
    requests,
    played: () => played,
    freeze() {
      for (const player of players.values()) player.isPlaying = false;
    },
    async close() {
      encoder.kill('SIGKILL');
      for (const socket of connections) socket.destroy();
      rtp.close();
      rtcp.close();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

interface Request {
  method: string;
  headers: ReadonlyMap<string, string>;
}

function answer({ method, headers }: Request, player: Player, url: string): string {
  const say = (status: string, lines: readonly string[] = [], body = ''): string =>
    [`RTSP/1.0 ${status}`, `CSeq: ${headers.get('cseq') ?? '0'}`, ...lines, '', body].join('\r\n');
  switch (method) {
    case 'OPTIONS':
      return say('200 OK', ['Public: OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, TEARDOWN']);
    case 'DESCRIBE':
      return say(
        '200 OK',
        ['Content-Type: application/sdp', `Content-Base: ${url}/`, `Content-Length: ${description.length}`],
        description,
      );
    case 'SETUP': {
      const [, first, second] = /RTP\/AVP\/TCP.*interleaved=(\d+)-(\d+)/.exec(headers.get('transport') ?? '') ?? [];
      if (first === undefined || second === undefined) return say('461 Unsupported Transport');
      player.channels = { rtp: Number(first), rtcp: Number(second) };
      return say('200 OK', [`Transport: RTP/AVP/TCP;unicast;interleaved=${first}-${second}`, 'Session: 1;timeout=60']);
    }
    case 'PLAY':
    case 'GET_PARAMETER':
    case 'TEARDOWN':
      return say('200 OK', ['Session: 1']);
    default:
      return say('501 Not Implemented');
  }
}

/** Finds the requests in what a player sends; reports that it sends between them (`$`, channel, length) are passed over. */
function createRequestReader(onRequest: (request: Request) => void): (piece: Buffer) => void {
  let pending = Buffer.alloc(0);
  return (piece) => {
    pending = Buffer.concat([pending, piece]);
    for (;;) {
      const isReport = pending[0] === 0x24;
      if (isReport && pending.length < 4) return;
      const end = isReport ? 4 + pending.readUInt16BE(2) : pending.indexOf('\r\n\r\n') + 4;
      // A blank line that is not there yet is found at -1.
      if (end < 4 || end > pending.length) return;
      if (!isReport) onRequest(parseRequest(pending.subarray(0, end).toString('latin1')));
      pending = pending.subarray(end);
    }
  };
}

function parseRequest(text: string): Request {
  const [first = '', ...lines] = text.trim().split('\r\n');
  const headers = lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const);
  return { method: first.split(' ')[0] ?? '', headers: new Map(headers) };
}

function interleaved(channel: number, packet: Buffer): Buffer {
  const head = Buffer.from([0x24, channel, 0, 0]);
  head.writeUInt16BE(packet.length, 2);
  return Buffer.concat([head, packet]);
}

async function openDatagrams(onPacket: (packet: Buffer) => void): Promise<DatagramSocket> {
  const socket = createSocket('udp4');
  socket.on('message', onPacket);
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

/** Whoever joins late sees the picture with the next key frame, which brings the parameters of the stream along. */
function startEncoder(ffmpeg: string, picture: string, rtpPort: number, rtcpPort: number): ChildProcess {
  const args = [
    ...['-hide_banner', '-loglevel', 'error', '-re', '-loop', '1', '-framerate', `${FRAMES_PER_SECOND}`, '-i', picture],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-crf', '18', '-pix_fmt', 'yuv420p'],
    ...['-g', `${FRAMES_PER_SECOND}`, '-bsf:v', 'dump_extra=freq=keyframe', '-payload_type', `${PAYLOAD_TYPE}`],
    ...['-f', 'rtp', `rtp://127.0.0.1:${rtpPort}?rtcpport=${rtcpPort}&pkt_size=1200`],
  ];
  return spawn(ffmpeg, args, { stdio: ['ignore', 'ignore', 'inherit'] });
}
