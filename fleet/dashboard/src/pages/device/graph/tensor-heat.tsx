import { Group, Select, Text } from '@mantine/core';
import { useEffect, useMemo, useRef, useState } from 'react';
import { compact, counted } from '../../../format/quantity.ts';
import { heatMap, sampleOf, type TensorView } from './decode-value.ts';
import classes from './tensor-heat.module.css';

/** A tensor as a heat map of one of its planes, with its figures in words. */
export function TensorHeat({ tensor, label }: { tensor: TensorView; label: string }) {
  const { shape, elementType, statistics, sample } = tensor;
  const [plane, setPlane] = useState(0);
  const canvas = useRef<HTMLCanvasElement>(null);
  const values = useMemo(() => sampleOf(tensor), [tensor]);
  const shown = Math.min(plane, Math.max(0, sample.planes - 1));
  const [minimum, maximum] = [statistics.minimum ?? 0, statistics.maximum ?? 0];
  useEffect(() => {
    const context = canvas.current?.getContext('2d');
    if (context == null || sample.rows === 0 || sample.columns === 0) return;
    const size = sample.rows * sample.columns;
    const pixels = heatMap(values.subarray(shown * size, (shown + 1) * size), minimum, maximum);
    if (pixels.length === size * 4) context.putImageData(new ImageData(pixels, sample.columns, sample.rows), 0, 0);
  }, [values, shown, sample.rows, sample.columns, minimum, maximum]);
  const words = wordsOf(tensor);
  return (
    <div>
      <canvas
        ref={canvas}
        className={classes.map}
        width={Math.max(1, sample.columns)}
        height={Math.max(1, sample.rows)}
        role="img"
        aria-label={`${label}: heat map; ${words}`}
      />
      <Group gap="xs" justify="space-between">
        <Text size="xs" c="dimmed">
          <code>
            {elementType} [{shape.join(', ')}]
          </code>{' '}
          {words}
          {!sample.isExact && '; each field is the mean of a block'}
        </Text>
        {sample.planes > 1 && (
          <Select
            size="xs"
            w={110}
            aria-label={`Plane of ${label}`}
            data={Array.from({ length: sample.planes }, (_, index) => ({ value: String(index), label: `plane ${index}` }))}
            value={String(shown)}
            allowDeselect={false}
            onChange={(next) => setPlane(Number(next))}
          />
        )}
      </Group>
    </div>
  );
}

function wordsOf({ statistics }: TensorView): string {
  const { minimum, maximum, mean, deviation, notFinite } = statistics;
  const broken = notFinite === 0 ? '' : `${counted(notFinite)} not finite`;
  if (minimum === null || maximum === null || mean === null || deviation === null) return broken || 'empty';
  const figures = `${compact(minimum)} to ${compact(maximum)}, mean ${compact(mean)} ± ${compact(deviation)}`;
  return broken === '' ? figures : `${figures}, ${broken}`;
}
