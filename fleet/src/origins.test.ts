import { isStarlingError } from '@starling/shared';
import { describe, expect, test } from 'vitest';
import { readConfig } from './config.ts';
import { createOrigins } from './origins.ts';

const own = ['https://fleet.example:8443', 'http://localhost:8080'];

describe('who may run devices from a page', () => {
  test('is this fleet itself and no other site, unless the setting says so', () => {
    const origins = createOrigins(own, []);
    expect(origins.ofDevice('https://fleet.example:8443', 'fleet.example:8443')).toBe('https://fleet.example:8443');
    // The page was opened by an address that the fleet does not know as its own.
    expect(origins.ofDevice('https://10.0.0.7:8443', '10.0.0.7:8443')).toBe('https://10.0.0.7:8443');
    for (const other of ['https://site.example', 'null', 'https://fleet.example', '']) {
      expect(origins.ofDevice(other, 'fleet.example:8443')).toBeUndefined();
    }
  });

  test('is exactly the sites of the setting, which are never our own', () => {
    const origins = createOrigins(own, ['https://site.example']);
    expect(origins.ofDevice('https://site.example', 'fleet.example:8443')).toBe('https://site.example');
    for (const other of [
      'http://site.example',
      'https://site.example:444',
      'https://a.site.example',
      'https://site.example.evil',
      'null',
    ]) {
      expect(origins.ofDevice(other, 'fleet.example:8443')).toBeUndefined();
    }
    expect(origins.isOwn('https://site.example', 'fleet.example:8443')).toBe(false);
  });

  test('is every site with *, which changes nothing about who may act for a person', () => {
    const origins = createOrigins(own, ['*']);
    expect(origins.ofDevice('https://any.example', 'fleet.example:8443')).toBe('https://any.example');
    expect(origins.isOwn('https://any.example', 'fleet.example:8443')).toBe(false);
  });
});

describe('the setting browserOrigins', () => {
  const read = (value: string): string[] => readConfig(['--browser-origins', value], {}).browserOrigins;

  test('is a list, empty by default', () => {
    expect(readConfig([], {}).browserOrigins).toEqual([]);
    expect(read('https://a.example, http://localhost:5173')).toEqual(['https://a.example', 'http://localhost:5173']);
    expect(read('*')).toEqual(['*']);
  });

  test.each(['a.example', 'https://a.example/', 'https://a.example/path', 'https://*.example', 'https://A.example', 'null', ''])(
    'refuses "%s", which no browser sends as an origin',
    (value) => {
      let code: string | undefined;
      try {
        read(value);
      } catch (error) {
        code = isStarlingError(error) ? error.code : 'another error';
      }
      expect(code).toBe('invalid-config');
    },
  );
});
