import { describe, expect, test } from 'vitest';
import { chooseFiles, leftOutNotice } from './choose-files.ts';

const png = new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2]);
const file = (name: string, type: string, content: Uint8Array<ArrayBuffer> | string = 'text'): File => new File([content], name, { type });

const given = [
  file('sign.png', 'image/png', png),
  file('nameless', '', png),
  file('film.mp4', 'video/mp4'),
  file('song.mp3', 'audio/mpeg'),
  file('letter.pdf', 'application/pdf', '%PDF-1.7'),
  file('notes.png', 'image/png', 'not a picture'),
  file('drawing.svg', 'image/svg+xml', '<svg/>'),
  file('empty.png', 'image/png', ''),
];

describe('of files that are dropped', () => {
  test('what sees takes pictures by what is in them, and videos', async () => {
    const { taken, leftOut, unlike } = await chooseFiles(given, false);
    expect(taken.map(({ name }) => name)).toEqual(['sign.png', 'nameless', 'film.mp4']);
    expect(leftOut).toEqual(['song.mp3', 'letter.pdf', 'notes.png', 'drawing.svg', 'empty.png']);
    expect(unlike).toEqual(['notes.png', 'empty.png']);
  });

  test('what hears takes what may sound', async () => {
    const { taken } = await chooseFiles([...given, file('voice.ogg', 'application/ogg'), file('voice.wav', 'audio/wav', '')], true);
    expect(taken.map(({ name }) => name)).toEqual(['nameless', 'film.mp4', 'song.mp3', 'voice.ogg']);
  });

  test('a folder, which has no bytes to read, is left out', async () => {
    const folder = file('holiday', '');
    folder.slice = () => Object.assign(new Blob([]), { arrayBuffer: () => Promise.reject(new DOMException('gone', 'NotFoundError')) });
    expect(await chooseFiles([folder], false)).toEqual({ taken: [], leftOut: ['holiday'], unlike: [] });
  });

  test('says which were not taken, and what is', () => {
    expect(leftOutNotice({ leftOut: [], unlike: [] }, false)).toBeUndefined();
    expect(leftOutNotice({ leftOut: ['a.pdf'], unlike: [] }, false)).toEqual({
      text: 'a.pdf was not taken.',
      hint: 'What runs here sees: it takes pictures (JPEG, PNG, WebP, GIF, BMP, AVIF) and videos.',
    });
    expect(leftOutNotice({ leftOut: ['a', 'b', 'c', 'd', 'e'], unlike: [] }, true)?.text).toBe(
      '5 files were not taken: a, b, c, and 2 more.',
    );
  });

  test('does not list the kinds of pictures to somebody whose file is one by its name', async () => {
    const { leftOut, unlike } = await chooseFiles([file('street.jpg', 'image/jpeg', '\0\0\0')], false);
    expect(leftOutNotice({ leftOut, unlike }, false)).toEqual({
      text: 'street.jpg was not taken.',
      hint: 'What is in it is no picture, though its name says so: damaged, or something else.',
    });
    expect(leftOutNotice({ leftOut: ['a.pdf', ...leftOut], unlike }, false)?.hint).toMatch(/and videos\. One of these is no picture/);
  });
});
