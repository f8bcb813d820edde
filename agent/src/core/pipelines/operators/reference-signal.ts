/** Two tones and a rising one: the signal that `audio-reference.json` tells of, and was made from. */
export function referenceSignal(length: number, sampleRateHz: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => {
    const t = index / sampleRateHz;
    const turn = 2 * Math.PI * t;
    return 0.5 * Math.sin(440 * turn) + 0.3 * Math.sin((300 + 20_000 * t) * turn) + 0.1 * Math.cos(2500 * turn);
  });
}
