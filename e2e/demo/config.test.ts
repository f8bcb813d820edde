import { describe, expect, test } from 'vitest';
import { demoHelp, readDemoConfig } from './config.ts';

describe('the settings of the demo', () => {
  test.each([
    [['--once'], { once: true }],
    [['--once', '--scenes', '5'], { once: true, scenes: 5 }],
    [['--once', 'false'], { once: false }],
    [['--', '--address', '192.168.1.20'], { address: '192.168.1.20' }],
    [['--address', 'fleet.example.org'], { address: 'fleet.example.org' }],
    [['--browser-origins', 'http://localhost:5173'], { browserOrigins: 'http://localhost:5173' }],
  ])('come from %j', (argv, settings) => {
    expect(readDemoConfig(argv, {})).toMatchObject(settings);
  });

  test.each([
    [['--address', 'https://192.168.1.20'], 'address'],
    [['--address', 'two words'], 'address'],
    [['--scenes', 'many'], 'scenes'],
    [['--http-port', '70000'], 'httpPort'],
  ])('that make no sense (%j) are named, with the way to the help', (argv, field) => {
    const read = () => readDemoConfig(argv, {});
    expect(read).toThrow(expect.objectContaining({ code: 'invalid-config', field, hint: expect.stringContaining('--help') }));
  });

  test('all stand in the help', () => {
    for (const flag of ['--directory', '--scenes', '--seed', '--http-port', '--address', '--browser-origins', '--once'])
      expect(demoHelp()).toContain(flag);
  });
});
