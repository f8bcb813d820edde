/** A PUBLISH of MQTT 3.1.1, with what a tap may look at or change. */
export interface Publish {
  topic: string;
  /** A view into the packet: what is written here is what is sent on. */
  payload: Buffer;
}

/**
 * Cuts a stream into whole packets (MQTT 3.1.1, section 2.2). Pieces of a packet wait for the rest.
 * @returns a function that takes the next piece of the stream and gives the packets that it completes
 */
export function createPacketSplitter(): (piece: Buffer) => Buffer[] {
  let pending: Buffer = Buffer.alloc(0);
  return (piece) => {
    pending = pending.length === 0 ? piece : Buffer.concat([pending, piece]);
    const packets: Buffer[] = [];
    for (;;) {
      const head = readHead(pending);
      if (head === undefined || pending.length < head.headBytes + head.bodyBytes) return packets;
      const length = head.headBytes + head.bodyBytes;
      packets.push(pending.subarray(0, length));
      pending = pending.subarray(length);
    }
  };
}

/** Topic and payload, if the packet is a PUBLISH. */
export function readPublish(packet: Buffer): Publish | undefined {
  const head = readHead(packet);
  const first = packet[0] as number;
  if (head === undefined || first >> 4 !== 3) return undefined;
  const topicBytes = packet.readUInt16BE(head.headBytes);
  const topicAt = head.headBytes + 2;
  // With QoS 1 or 2 a packet id stands between topic and payload.
  const payloadAt = topicAt + topicBytes + ((first >> 1) & 3 ? 2 : 0);
  return { topic: packet.subarray(topicAt, topicAt + topicBytes).toString('utf8'), payload: packet.subarray(payloadAt) };
}

/** A PUBLISH of QoS 0. */
export function writePublish({ topic, payload }: Publish): Buffer {
  const name = Buffer.from(topic, 'utf8');
  const length: number[] = [];
  let rest = 2 + name.length + payload.length;
  do {
    length.push((rest % 128) + (rest >= 128 ? 0x80 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  const nameLength = Buffer.alloc(2);
  nameLength.writeUInt16BE(name.length);
  return Buffer.concat([Buffer.from([0x30, ...length]), nameLength, name, payload]);
}

function readHead(bytes: Buffer): { headBytes: number; bodyBytes: number } | undefined {
  let bodyBytes = 0;
  for (let at = 1; at <= 4 && at < bytes.length; at += 1) {
    const byte = bytes[at] as number;
    bodyBytes += (byte & 0x7f) * 128 ** (at - 1);
    if (byte < 0x80) return { headBytes: at + 1, bodyBytes };
  }
  return undefined;
}
