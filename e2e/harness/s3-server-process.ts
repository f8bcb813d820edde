/** Runs S3-compatible storage until it is ended: `node s3-server-process.ts DIRECTORY PORT BUCKET`. */
import S3rver from '@20minutes/s3rver';

const [, , directory = '', port = '0', name = ''] = process.argv;
const server = new S3rver({ address: '127.0.0.1', port: Number(port), directory, silent: true, configureBuckets: [{ name }] });
const address = await server.run();
process.send?.({ type: 'ready', port: address.port });
