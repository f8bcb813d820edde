import { Loader, SimpleGrid, Text } from '@mantine/core';
import { api, type DeviceView, INFER_INPUT_BYTES_MAXIMUM, StarlingError } from '@starling/shared';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { apiClient } from '../../data/api-client.ts';
import { read } from '../../data/queries.ts';
import { useSession } from '../../data/session.ts';
import { bytesOf, inWords } from '../../format/quantity.ts';
import { Panel } from '../../parts/panel.tsx';
import { ProblemAlert } from '../../parts/problem-alert.tsx';
import { ImageDrop } from './image-drop.tsx';
import { ImageOverlay } from './image-overlay.tsx';
import { readingsOf } from './readings.ts';
import { ResultDetail } from './result-detail.tsx';
import { noImageReason } from './takes-image.ts';

/** Give the device an image: it is shown at once, and what the device reads in it is drawn over it when the answer comes. */
export function TryPanel({ device }: { device: DeviceView }) {
  const noImage = useNoImage(device);
  if (noImage === undefined) return <TryImage device={device} />;
  return (
    <Panel title="Try an image">
      <Text size="sm">{noImage}</Text>
    </Panel>
  );
}

/** Why what runs there takes no image; undefined where it takes one, or where that is not known. */
function useNoImage({ reported }: DeviceView): string | undefined {
  const running = reported?.running?.release ?? '';
  const release = useQuery({ ...read('showRelease', { params: { digest: running } }), enabled: running !== '' });
  const digest = release.data?.document.pipeline.digest ?? '';
  const pipeline = useQuery({ ...read('showPipeline', { params: { digest } }), enabled: digest !== '' });
  return pipeline.data === undefined ? undefined : noImageReason(pipeline.data.document);
}

function TryImage({ device }: { device: DeviceView }) {
  const { may } = useSession();
  const [image, setImage] = useState<string>();
  const [marked, setMarked] = useState<number>();
  const infer = useMutation({ mutationFn: (file: File) => inferOn(device.id, file) });
  useEffect(() => () => void (image === undefined || URL.revokeObjectURL(image)), [image]);

  const refusal = refusalOf(device, may('operator'));
  const start = (file: File): void => {
    setImage(URL.createObjectURL(file));
    setMarked(undefined);
    infer.mutate(file);
  };
  const result = infer.data?.result;
  const readings = result === undefined ? [] : readingsOf(result);
  return (
    <Panel title="Try an image" note="It goes to this device, through its running pipeline, and back.">
      <SimpleGrid cols={{ base: 1, md: infer.isIdle ? 1 : 2 }} spacing="lg" style={{ alignItems: 'start' }}>
        <ImageDrop onImage={start} refusal={refusal} isCompact={image !== undefined}>
          {image !== undefined && (
            <ImageOverlay
              source={image}
              size={result?.image}
              readings={readings}
              marked={marked}
              onMark={setMarked}
              isWaiting={infer.isPending}
            />
          )}
        </ImageDrop>
        <div aria-live="polite">
          {infer.isIdle && <Text c="dimmed">The result stands here: every text with its score, and how long each step took.</Text>}
          {infer.isPending && (
            <Text c="dimmed">
              <Loader size="xs" mr="xs" aria-hidden /> {device.name} is at work …
            </Text>
          )}
          {infer.isError && <ProblemAlert error={infer.error} title="No result" />}
          {result !== undefined && !infer.isPending && (
            <ResultDetail result={result} readings={readings} marked={marked} onMark={setMarked} />
          )}
        </div>
      </SimpleGrid>
    </Panel>
  );
}

function refusalOf(device: DeviceView, mayOperate: boolean): string | undefined {
  if (!mayOperate) return 'Trying images needs the role operator.';
  if (!device.online) return 'The device is offline. An image can be tried when it is back.';
  if (device.reported?.running == null) return 'The device runs no release yet. Assign one first.';
  return undefined;
}

/** @throws StarlingError `not-an-image`, `image-too-large`, or what the fleet or the device answers */
async function inferOn(id: string, file: File) {
  if (file.type !== '' && !file.type.startsWith('image/')) {
    throw new StarlingError('not-an-image', `${file.name} is ${file.type}, not an image`, {
      hint: 'drop a JPEG, PNG, WebP, AVIF, TIFF or GIF',
    });
  }
  if (file.size > INFER_INPUT_BYTES_MAXIMUM) {
    const [size, most] = [inWords(bytesOf(file.size)), inWords(bytesOf(INFER_INPUT_BYTES_MAXIMUM))];
    throw new StarlingError('image-too-large', `${file.name} has ${size}; at most ${most} are taken`, { hint: 'use a smaller image' });
  }
  const raw = new Uint8Array(await file.arrayBuffer());
  return apiClient.call(api.inferOnDevice, { params: { id }, raw, contentType: file.type || 'application/octet-stream' });
}
