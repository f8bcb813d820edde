import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseS3Address, readS3Credentials } from './s3-address.ts';

test('an address without a query is one of Amazon, with an endpoint it has the path style', () => {
  expect(parseS3Address('s3://models/fleet/a?region=eu-west-1')).toEqual({
    ...{ bucket: 'models', prefix: 'fleet/a/', endpoint: 'https://s3.eu-west-1.amazonaws.com', region: 'eu-west-1', pathStyle: false },
    credentialsFile: undefined,
  });
  expect(parseS3Address('s3://models?endpoint=http://127.0.0.1:9000/&credentials-file=/run/secrets/s3')).toEqual({
    ...{ bucket: 'models', prefix: '', endpoint: 'http://127.0.0.1:9000', region: 'us-east-1', pathStyle: true },
    credentialsFile: '/run/secrets/s3',
  });
});

test.each([
  ['https://models', /no s3/],
  ['s3://', /name of a bucket/],
  ['s3://Bad_Bucket', /name of a bucket/],
  ['s3://key:secret@models', /logs/],
  ['s3://models/a b', /prefix/],
  ['s3://models?endpont=http://x', /endpont/],
  ['s3://models?endpoint=minio:9000', /endpoint/],
  ['s3://models?path-style=yes', /path-style/],
])('%s is refused with the reason', (address, reason) => {
  expect(() => parseS3Address(address)).toThrow(expect.objectContaining({ code: 'invalid-config', field: 'blobStore' }));
  expect(() => parseS3Address(address)).toThrow(reason);
});

test('credentials come from the file that is named, else from the environment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'starling-s3-'));
  try {
    const file = join(folder, 'credentials');
    await writeFile(file, '[default]\naws_access_key_id = a\naws_secret_access_key=b=\n\n[other]\naws_access_key_id = c\n');
    const environment = { AWS_ACCESS_KEY_ID: 'd', AWS_SECRET_ACCESS_KEY: 'e', AWS_SESSION_TOKEN: 'f' };
    expect(await readS3Credentials({ credentialsFile: file }, environment)).toMatchObject({ accessKeyId: 'a', secretAccessKey: 'b=' });
    const fromEnvironment = { accessKeyId: 'd', secretAccessKey: 'e', sessionToken: 'f' };
    expect(await readS3Credentials({ credentialsFile: undefined }, environment)).toEqual(fromEnvironment);
    await expect(readS3Credentials({ credentialsFile: undefined }, { AWS_ACCESS_KEY_ID: 'd' })).rejects.toMatchObject({
      ...{ code: 'no-credentials', message: expect.stringContaining('aws_secret_access_key') },
    });
    await expect(readS3Credentials({ credentialsFile: `${file}.no` }, environment)).rejects.toMatchObject({ code: 'no-credentials' });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
