import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { runCli } from './run.ts';

let folder: string;
let server: Server | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'starling-run-'));
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await rm(folder, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function run(argv: string[], { signal = new AbortController().signal } = {}) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const exitCode = await runCli({
    argv,
    version: '9.9.9',
    stdin: Readable.from([]),
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    nowMs: () => 0,
    signal,
  });
  return { exitCode, ...written };
}

test('help and version go to stdout, and end with 0', async () => {
  expect(await run(['--version'])).toEqual({ exitCode: 0, stdout: 'starling 9.9.9\n', stderr: '' });
  const help = await run(['--help']);
  expect(help).toMatchObject({ exitCode: 0, stderr: '' });
  expect(help.stdout).toContain('Exit codes:');
});

const commands = [
  ...['login', 'logout', 'whoami', 'events', 'audit ls', 'key create', 'key publish', 'key rotate', 'key show'],
  ...['model push', 'model ls', 'model show', 'model retry', 'pipeline push', 'pipeline check', 'pipeline ls', 'pipeline show'],
  ...['release create', 'release ls', 'release show', 'device ls', 'device show', 'device set', 'device assign', 'device approve'],
  ...['device revoke', 'device infer', 'device logs', 'device ping', 'device send', 'token create', 'token ls', 'token revoke'],
  ...['api-token create', 'api-token ls', 'api-token revoke', 'user ls', 'user create', 'user set-role', 'user remove', 'user restore'],
];
test.each(commands)('starling %s --help shows examples and the options of every command', async (command) => {
  const { exitCode, stdout } = await run([...command.split(' '), '--help']);
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`Examples:\n  $ starling ${command}`);
  expect(stdout).toContain('--json');
});

test.each([
  ['device shwo gate-3', 'error: unknown command \'shwo\'\nfix: Did you mean show? All there is: "starling device --help"\n'],
  ['device commands', 'error: unknown command \'commands\'\nfix: see "starling device --help"\n'],
  ['--quiet token revoke', 'error: missing required argument \'token\'\nfix: see "starling token revoke --help"\n'],
])('starling %s says where its help is', async (line, stderr) => {
  expect(await run(line.split(' '))).toEqual({ exitCode: 2, stdout: '', stderr });
});

test('a fleet that is none is told from one that is gone', async () => {
  const page = await serve((_request, response) => response.end('<html>'));
  expect(await run(['whoami', '--fleet', page, '--token', 'stl_x'])).toMatchObject({
    exitCode: 1,
    stderr: expect.stringMatching(/^error: the answer is not/),
  });
  const other = await serve((_request, response) => response.writeHead(404).end('{}'));
  expect((await run(['whoami', '--fleet', other, '--token', 'stl_x'])).exitCode).toBe(1);
  const cut = await serve((request) => request.socket.destroy());
  expect(await run(['whoami', '--fleet', cut, '--token', 'stl_x'])).toMatchObject({
    exitCode: 6,
    stderr: expect.stringMatching(/^error: .*\nfix: /),
  });
});

test.each([
  { status: 401, code: 'not-signed-in', exitCode: 3 },
  { status: 403, code: 'forbidden', exitCode: 3 },
  { status: 404, code: 'not-found', exitCode: 4 },
  { status: 409, code: 'version-exists', exitCode: 5 },
  { status: 503, code: 'database-unavailable', exitCode: 6 },
  { status: 500, code: 'internal-error', exitCode: 1 },
])('a problem $code ends with $exitCode', async ({ status, code, exitCode }) => {
  const fleet = await serve((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: 'about:blank', title: code, status, code, detail: 'a detail', field: 'x.y', hint: 'a hint' }));
  });
  const ended = await run(['audit', 'ls', '--fleet', fleet, '--token', 'stl_x', '--json']);
  expect(ended.exitCode).toBe(exitCode);
  expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code } });
  if (code !== 'not-signed-in') expect(ended.stderr).toBe('error: a detail (x.y)\nfix: a hint\n');
});

test('Ctrl-C in the middle of a request ends with 130 and says nothing', async () => {
  const interruption = new AbortController();
  const fleet = await serve(() => interruption.abort());
  expect(await run(['whoami', '--fleet', fleet, '--token', 'stl_x'], { signal: interruption.signal })).toEqual({
    exitCode: 130,
    stdout: '',
    stderr: '',
  });
});

test('the token goes to the fleet that was named, and pages are walked to their end', async () => {
  const asked: string[] = [];
  const entry = (id: number) => ({ id, atMs: 0, actor: 'ada\u001b[31m', action: 'a', subject: 's', detail: {} });
  const fleet = await serve((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    const offset = Number(new URL(request.url ?? '', 'http://x').searchParams.get('offset'));
    const items = Array.from({ length: Math.min(200, 450 - offset) }, (_, index) => entry(450 - offset - index));
    response.end(JSON.stringify({ items, total: 450, limit: 200, offset }));
  });
  const all = await run(['audit', 'ls', '--all', '--quiet', '--fleet', fleet, '--token', 'stl_x']);
  expect(all.stdout.trim().split('\n').map(Number)).toEqual(Array.from({ length: 450 }, (_, index) => 450 - index));
  expect(asked).toEqual([0, 200, 400].map((offset) => `Bearer stl_x /api/v1/audit?limit=200&offset=${offset}`));
  const page = await run(['audit', 'ls', '--fleet', fleet, '--token', 'stl_x']);
  expect(page.stdout).not.toContain('\u001b');
  expect(page.stderr).toMatch(/of 450; --offset 200 goes on/);
});

test('an objective without a flag is the default that --help states', async () => {
  const bodies: string[] = [];
  const fleet = await serve(async (request, response) => {
    bodies.push((await request.setEncoding('utf8').toArray()).join(''));
    response.end(JSON.stringify({ items: [], total: 0, devices: 0, choices: 1, unmeasured: 0, limit: 50, offset: 0 }));
  });
  const preview = (...flags: string[]) => run(['choice', 'preview', 'find-faces-1', ...flags, '--fleet', fleet, '--token', 'stl_x']);
  expect(await preview()).toMatchObject({ exitCode: 0, stderr: 'this objective changes no choice\n' });
  await preview('--max-loss', '2');
  expect(bodies.map((body) => JSON.parse(body))).toEqual([
    { release: 'find-faces-1', objective: { minimise: 'latency', accuracyLossPointsMaximum: 1 } },
    { release: 'find-faces-1', objective: { minimise: 'latency', accuracyLossPointsMaximum: 2 } },
  ]);
});

test('what a fleet finds in a pipeline is shown where it stands, in the order of the file, each with its fix', async () => {
  const problems = [
    { code: 'unused-node', field: 'nodes.decode', message: 'nothing reaches an output' },
    { code: 'bad-port-type', field: 'outputs.image', message: '"image" is not a port type', hint: 'use one of picture, json' },
  ];
  const fleet = await serve((_request, response) => response.end(JSON.stringify({ problems })));
  const file = join(folder, 'faces.yaml');
  await writeFile(
    file,
    'name: faces\nversion: 1.0.0\ninputs: { image: encoded-image }\noutputs: { image: image }\nnodes: { decode: { op: image.decode } }\nedges:\n  - { from: input.image, to: decode.image }\n  - { from: decode.image, to: output.image }\n',
  );
  const check = (...more: string[]) => run(['pipeline', 'check', file, '--fleet', fleet, '--token', 'stl_x', ...more]);
  const { exitCode, stderr } = await check();
  expect({ exitCode, stderr }).toEqual({
    exitCode: 5,
    stderr: [
      `error: ${file} has 2 problems:`,
      '',
      `${file}:4:19: outputs.image: "image" is not a port type (bad-port-type)`,
      ' 4 | outputs: { image: image }',
      '   |                   ^^^^^',
      '   = fix: use one of picture, json',
      '',
      `${file}:5:10: nodes.decode: nothing reaches an output (unused-node)`,
      ' 5 | nodes: { decode: { op: image.decode } }',
      '   |          ^^^^^^',
      '',
      'fix: correct them from the top; docs/protocol/pipelines.md lists port types, operators and their parameters',
      '',
    ].join('\n'),
  });
  const { stdout } = await check('--json');
  expect(JSON.parse(stdout)).toMatchObject({
    error: {
      code: 'pipeline-has-problems',
      field: 'outputs.image',
      problems: [{ file, line: 4, column: 19, code: 'bad-port-type' }, { line: 5 }],
    },
  });
});

test('a model card names what is missing before anything is asked of a fleet', async () => {
  const file = (name: string) => join(folder, name);
  await writeFile(file('model.onnx'), 'x');
  const push = (card: string) =>
    run(['model', 'push', file('model.onnx'), '--name', 'm', '--version', '1.0.0', '--card', file(card), '--json']);
  const cases: [text: string, error: object][] = [
    ['title: [', { code: 'bad-document', field: '--card' }],
    ['just words', { code: 'bad-document', field: '--card' }],
    ['licence: MIT', { code: 'bad-document', field: 'title' }],
    ['title: a\nlicence: MIT\nexampleShapes: { x: [0] }', { code: 'bad-document', field: 'exampleShapes.x.0' }],
  ];
  for (const [text, error] of cases) {
    await writeFile(file('card.yaml'), text);
    const { exitCode, stdout } = await push('card.yaml');
    expect({ exitCode, ...JSON.parse(stdout) }, text).toMatchObject({ exitCode: 2, error });
  }
  expect(JSON.parse((await push('none.yaml')).stdout)).toMatchObject({ error: { code: 'bad-file', field: '--card' } });
});
