import { expect, test } from 'vitest';
import { createTurns } from './turns.ts';

const stoppable = () => {
  const made = {
    stops: 0,
    stop() {
      made.stops += 1;
    },
  };
  return made;
};

test('what comes of a turn is told until another begins, and never after', () => {
  const turns = createTurns();
  const told: string[] = [];
  const camera = turns.begin();
  const tellCamera = camera.whileOn((text: string) => told.push(text));
  tellCamera('frame 1');
  const file = turns.begin();
  file.whileOn((text: string) => told.push(text))('no picture');
  tellCamera('frame 2');
  expect(told).toEqual(['frame 1', 'no picture']);
  expect([camera.isOn, file.isOn]).toEqual([false, true]);
});

test('a turn that ends stops what it holds, once', () => {
  const turns = createTurns();
  const camera = stoppable();
  turns.begin().hold(camera);
  expect(turns.isHeld).toBe(true);
  turns.begin();
  turns.end();
  expect([camera.stops, turns.isHeld]).toEqual([1, false]);
});

test('a camera that opens when its turn is over is stopped at once, and takes the place of nothing', () => {
  const turns = createTurns();
  const [camera, video] = [stoppable(), stoppable()];
  const opening = turns.begin();
  turns.begin().hold(video);
  opening.hold(camera);
  expect([camera.stops, video.stops, turns.isHeld]).toEqual([1, 0, true]);
});

test('of a turn that was ended by hand nothing is told either', () => {
  const turns = createTurns();
  const turn = turns.begin();
  turns.end();
  turn.whileOn(() => expect.unreachable())();
  expect(turn.isOn).toBe(false);
});
