import { describe, expect, test } from 'vitest';
import { parsePortType } from './port-types.ts';
import { sinkRegistry, sinkSignatures } from './sinks/index.ts';
import { sourceRegistry, sourceSignatures } from './sources/index.ts';

const { rtsp, http, mqtt, folder } = sourceSignatures;

describe('signatures of sources and sinks', () => {
  test('stand under their own names, with port types that there are', () => {
    for (const [name, signature] of sourceRegistry) {
      expect(signature.name).toBe(name);
      for (const type of Object.values(signature.outputs)) parsePortType(type);
    }
    for (const [name, signature] of sinkRegistry) {
      expect(signature.name).toBe(name);
      for (const type of Object.values(signature.inputs)) parsePortType(type);
      expect(Object.keys(signature.inputs)).toEqual(expect.arrayContaining([...(signature.optional ?? [])]));
    }
  });

  test('have only `file` keep values on the device', () => {
    expect([...sinkRegistry.values()].filter(({ isLocal }) => isLocal).map(({ name }) => name)).toEqual(['file']);
  });

  test.each(['rtsp://viewer:s3cret@camera/1', 'rtsp://viewer@camera/1', 'http://camera/1', 'camera', 'rtsp:///1'])(
    'refuse the address %s',
    (url) => {
      expect(rtsp.params.safeParse({ url }).success).toBe(false);
    },
  );

  test.each(['rtsp://camera/1', 'rtsps://10.0.0.7:322/live?channel=1&user=@home', 'rtsp://[::1]:554/a@b'])('take the address %s', (url) => {
    expect(rtsp.params.safeParse({ url }).success).toBe(true);
  });

  test('say which parameters there are, so that a misspelt one is no silence', () => {
    expect(folder.params.safeParse({ path: 'in', repeat: true }).success).toBe(false);
  });

  test('take topic filters as MQTT defines them', () => {
    const takes = (topic: string): boolean => mqtt.params.safeParse({ url: 'mqtt://broker', topic }).success;
    expect(['a/b', '+/b', 'a/#', '#', '/'].filter(takes)).toEqual(['a/b', '+/b', 'a/#', '#', '/']);
    expect(['a/b+', '#/a', 'a#', ''].filter(takes)).toEqual([]);
  });

  test('publish to topics with fields, and to nothing that is a filter', () => {
    const takes = (topic: string): boolean => sinkSignatures.mqtt.params.safeParse({ url: 'mqtt://broker', topic }).success;
    expect(['a/{stream}/{value.class}', 'a'].filter(takes)).toEqual(['a/{stream}/{value.class}', 'a']);
    expect(['a/+', 'a/#', 'a/{', 'a/{}', 'a/{b c}'].filter(takes)).toEqual([]);
  });

  test('have the ports that their parameters ask for', () => {
    const { outputs } = http.ports(http.params.parse({ accepts: ['json', 'tensor'], tensor: 'tensor<int32,[1,16]>' }));
    expect(outputs).toEqual({ json: 'json', tensor: 'tensor<int32,[1,16]>' });
    expect(mqtt.ports(mqtt.params.parse({ url: 'mqtt://broker', topic: 'a', payload: 'image' })).outputs).toEqual({
      image: 'encoded-image',
      topic: 'json',
    });
  });

  test('keep files below one folder', () => {
    const takes = (path: string): boolean => sinkSignatures.file.params.safeParse({ folder: path }).success;
    expect(['readings', 'gate/readings.d'].filter(takes)).toEqual(['readings', 'gate/readings.d']);
    expect(['../a', 'a/../../b', '/etc', '.', 'a//b', 'a/.ssh'].filter(takes)).toEqual([]);
  });
});
