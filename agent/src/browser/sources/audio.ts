import { type Audio, type InferenceResult, StarlingError } from '@starling/shared';
import { createSoundQueue } from '../../core/sound-queue.ts';
import processorUrl from './audio-processor.ts?worker&url';
import { createTrouble } from './trouble.ts';

/** Where the sound of a source goes. */
export interface SoundSink {
  infer(audio: Audio, source: string): Promise<InferenceResult>;
  /** Told when chunks fail, once for each reason, and without one when they are read again. */
  onTrouble?(error: StarlingError | undefined): void;
}

export interface Listening {
  stop(): void;
}

const CHUNK_MS = 100;
/** Sound that waits while a model is busy; what is older is left out. */
const WAITING_MS_MAXIMUM = 5_000;
/** Files are decoded whole, at this rate: four bytes for each sample of each channel. */
const FILE_RATE_HZ = 48_000;
const FILE_BYTES_MAXIMUM = 64 * 1024 * 1024;

/** Opens a microphone, as it hears: what makes calls sound better changes what a model hears. @throws StarlingError `microphone-refused`, `no-microphone`, `microphone-busy` */
export async function openMicrophone(deviceId: string): Promise<MediaStream> {
  const wanted = deviceId === '' ? {} : { deviceId: { exact: deviceId } };
  try {
    const audio = { ...wanted, echoCancellation: false, noiseSuppression: false, autoGainControl: false };
    return await navigator.mediaDevices.getUserMedia({ audio, video: false });
  } catch (cause) {
    const name = cause instanceof Error ? cause.name : '';
    if (name === 'NotAllowedError') {
      const hint = 'allow the microphone for this page in the settings of the browser';
      throw new StarlingError('microphone-refused', 'this page may not use the microphone', { hint, cause });
    }
    if (name === 'NotReadableError') {
      throw new StarlingError('microphone-busy', 'the microphone gives no sound', { hint: 'close what else uses it', cause });
    }
    throw new StarlingError('no-microphone', 'there is no such microphone here', { hint: 'plug one in, or open a file instead', cause });
  }
}

/**
 * Gives the sound of a microphone, a tab or a call to a pipeline until it is stopped: its channels mixed into one, at the rate of the
 * browser.
 * @throws StarlingError `no-sound`
 */
export async function listenStream(stream: MediaStream, source: string, { infer, onTrouble }: SoundSink): Promise<Listening> {
  if (stream.getAudioTracks().length === 0) {
    throw new StarlingError('no-sound', 'nothing can be heard of it', { hint: 'share a tab, and its sound with it' });
  }
  const context = new AudioContext();
  const trouble = createTrouble(onTrouble);
  const queue = createSoundQueue({
    take: (audio) => infer(audio, source).then(trouble.over, trouble.failed),
    waitingMsMaximum: WAITING_MS_MAXIMUM,
    onLate: () => trouble.failed(new StarlingError('too-slow', 'the pipeline is slower than the sound: the oldest of it is left out')),
  });
  const stop = (): void => {
    trouble.end();
    queue.stop();
    void context.close();
    for (const track of stream.getTracks()) track.stop();
  };
  try {
    await context.audioWorklet.addModule(processorUrl);
    const chunkSamples = Math.round((context.sampleRate * CHUNK_MS) / 1000);
    const options = { channelCount: 1, channelCountMode: 'explicit', processorOptions: { chunkSamples } } as const;
    const gatherer = new AudioWorkletNode(context, 'starling-sound', options);
    gatherer.port.onmessage = ({ data }: MessageEvent<Float32Array>) =>
      queue.push({ sampleRateHz: context.sampleRate, channels: 1, samples: data });
    // It plays silence: some browsers run nothing that leads nowhere.
    context.createMediaStreamSource(stream).connect(gatherer).connect(context.destination);
    await context.resume();
    return { stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** The sound of a file, whole. @throws StarlingError `audio-too-large`, `no-sound` */
export async function decodeSound(file: Blob): Promise<Audio> {
  if (file.size > FILE_BYTES_MAXIMUM) {
    throw new StarlingError('audio-too-large', `the file has ${file.size} bytes, at most ${FILE_BYTES_MAXIMUM} are decoded`, {
      hint: 'cut it into parts',
    });
  }
  const decoded = await new OfflineAudioContext(1, 1, FILE_RATE_HZ).decodeAudioData(await file.arrayBuffer()).catch((cause: unknown) => {
    throw new StarlingError('no-sound', 'this browser finds no sound in it', { hint: 'use WAV, MP3, AAC, Opus or FLAC', cause });
  });
  const planes = Array.from({ length: decoded.numberOfChannels }, (_, channel) => decoded.getChannelData(channel));
  const samples = new Float32Array(decoded.length * planes.length);
  for (const [channel, plane] of planes.entries()) {
    for (let index = 0; index < plane.length; index += 1) samples[index * planes.length + channel] = plane[index] as number;
  }
  return { sampleRateHz: decoded.sampleRate, channels: planes.length, samples };
}

/** Gives sound to a pipeline in chunks, each when the one before was read, and so faster than it sounds. @throws StarlingError of the first that fails */
export async function hearSound(
  { sampleRateHz, channels, samples }: Audio,
  source: string,
  infer: SoundSink['infer'],
  signal: AbortSignal,
): Promise<void> {
  const length = Math.round((sampleRateHz * CHUNK_MS) / 1000) * channels;
  for (let at = 0; at < samples.length && !signal.aborted; at += length) {
    await infer({ sampleRateHz, channels, samples: samples.slice(at, at + length) }, source);
  }
}
