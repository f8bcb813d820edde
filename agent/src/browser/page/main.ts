import { createSystemClock } from '../clock.ts';
import { createStage } from '../draw-results.ts';
import { type BrowserAgent, type BrowserAgentStatus, createAgent, isolatePage, type Listening, watchStream } from '../index.ts';
import { openMicrophone } from '../sources/audio.ts';
import { openCamera } from '../sources/camera.ts';
import { element, make, setText } from './elements.ts';
import { listInputs } from './inputs.ts';
import { createMeters } from './meters.ts';
import { createNotices, type Notice } from './notices.ts';
import { readFiles, takeDrops } from './pictures.ts';
import { showLeaving } from './privacy.ts';
import { refusedNotice } from './refused.ts';
import { takeSettings } from './settings.ts';
import { createLevelView, hearFiles, takesSound } from './sounds.ts';
import { shownSteps, showSteps } from './steps.ts';
import { unkeptNotice } from './unkept.ts';

const canvas = element('picture', HTMLCanvasElement);
const cameraButton = element('camera', HTMLButtonElement);
const cameraList = element('cameras', HTMLSelectElement);
const microphoneButton = element('microphone', HTMLButtonElement);
const microphoneList = element('microphones', HTMLSelectElement);
const screenButton = element('screen', HTMLButtonElement);
const notices = createNotices();
const meters = createMeters(() => performance.now());
const stage = createStage(canvas);
const levels = createLevelView(canvas);
const clock = createSystemClock();
// Out of sight at once, unless the page may be loaded once more to be isolated: until then the token stays in its address.
const taken = globalThis.crossOriginIsolated ? takeSettings() : undefined;
let agent: BrowserAgent | undefined;
/** What is seen or heard now. */
let watching: Listening | undefined;

function showStatus(status: BrowserAgentStatus): void {
  showSteps(element('steps', HTMLOListElement), shownSteps(status));
  notices.show('phase', noticeOf(status));
  notices.show('refused', refusedNotice(status.agent?.reported));
  showLeaving(status, clock.wallMs());
  showControls(takesSound(status));
  const pill = element('link', HTMLParagraphElement);
  pill.dataset.state = status.agent?.link ?? 'idle';
  setText(pill, pillOf(status));
  const isElsewhere = status.phase === 'other-tab';
  for (const button of [cameraButton, microphoneButton, screenButton]) button.disabled = isElsewhere;
  const { reported, device } = status.agent ?? {};
  meters.showProviders(Object.values(reported?.running?.providers ?? {}), status.threads);
  showFacts({
    Device: device ?? '–',
    Release: releaseWords(status.agent),
    'Not sent yet': `${Math.round((status.agent?.spoolBytes ?? 0) / 1024)} KB of telemetry`,
  });
}

/** A pipeline sees or hears, and what does not fit it is out of the way. */
function showControls(hears: boolean): void {
  if (microphoneButton.hidden !== hears) return;
  microphoneButton.hidden = !hears;
  cameraButton.hidden = hears;
  for (const list of [cameraList, microphoneList]) (list.parentElement as HTMLElement).hidden = true;
  const empty = hears ? 'Start the microphone, or drop a sound here.' : 'Start the camera, or drop a picture or a video here.';
  setText(element('empty', HTMLParagraphElement), empty);
  stopWatching();
}

function releaseWords(running: BrowserAgentStatus['agent']): string {
  const known = running?.reported.running;
  if (known == null) return 'none yet';
  const words = [running?.releaseName, known.release.slice(0, 12)].filter((each) => typeof each === 'string');
  return `${words.join(', ')}${known.verified ? '' : ' (on probation)'}`;
}

function noticeOf({ phase, problem, pending, agent: running }: BrowserAgentStatus): Notice | undefined {
  if (phase === 'other-tab')
    return { text: 'Another tab of this browser is the device.', hint: 'This one takes over when that one is closed.' };
  const error = problem ?? running?.reported.error ?? undefined;
  if (error !== undefined) return { text: error.message, hint: error.hint, isBad: true };
  if (pending) return { text: 'An operator has to approve this device first.' };
  const isIdle = running?.link === 'online' && running.reported.running === null && running.reported.steps.length === 0;
  return isIdle
    ? { text: 'Nothing is read yet: no release was assigned to this device.', hint: 'Assign one in the dashboard, under Devices.' }
    : undefined;
}

/** Names of states as people say them. */
function pillOf({ phase, agent: running }: BrowserAgentStatus): string {
  if (phase === 'other-tab') return 'waits for the other tab';
  const link = running?.link ?? 'idle';
  if (link === 'idle') return phase;
  return link === 'online' ? 'online' : link === 'waiting' ? 'offline' : 'connecting';
}

/** Frames that fail one after the other are one notice, which goes when they are read again. */
function showTrouble(error: unknown): void {
  if (error === undefined) notices.show('frames', undefined);
  else notices.fail('frames', error);
}

function showFacts(facts: Readonly<Record<string, string>>): void {
  const list = element('facts', HTMLDListElement);
  const text = JSON.stringify(facts);
  if (list.dataset.text === text) return;
  list.dataset.text = text;
  list.replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [make('dt', name), make('dd', value)]));
}

function showSource(name: string): void {
  element('empty', HTMLParagraphElement).hidden = true;
  canvas.setAttribute('aria-label', `Picture of ${name}, with what was read in it`);
}

function showSound(name: string): void {
  element('empty', HTMLParagraphElement).hidden = true;
  canvas.setAttribute('aria-label', `How loud ${name} is`);
  levels.forget();
}

function stopWatching(): void {
  watching?.stop();
  watching = undefined;
  meters.forget();
  showTrouble(undefined);
  setText(cameraButton, 'Start camera');
  setText(microphoneButton, 'Start microphone');
}

/** What is taken away from outside ends here too, and says so. */
function stopWhenEnded(track: MediaStreamTrack | undefined, name: string): void {
  track?.addEventListener('ended', () => {
    stopWatching();
    notices.show('camera', { text: `The ${name} has ended.` });
  });
}

async function watch(name: string, open: () => Promise<MediaStream>): Promise<void> {
  const running = agent;
  if (running === undefined) return;
  stopWatching();
  notices.show('camera', undefined);
  try {
    const stream = await open();
    const [track] = stream.getVideoTracks();
    stopWhenEnded(track, name);
    stage.forget();
    watching = await watchStream(stream, name, { infer: running.infer, stage, onTrouble: showTrouble });
    showSource(`the ${name}`);
    setText(cameraButton, 'Stop');
    if (name === 'camera') await listInputs(cameraList, 'videoinput', track);
  } catch (error) {
    notices.fail('camera', error);
  }
}

async function listen(name: string, open: () => Promise<MediaStream>): Promise<void> {
  const running = agent;
  if (running === undefined) return;
  stopWatching();
  notices.show('camera', undefined);
  try {
    const stream = await open();
    stopWhenEnded(stream.getTracks()[0], name);
    watching = await running.listen(stream, name);
    if (name === 'microphone') await listInputs(microphoneList, 'audioinput', stream.getAudioTracks()[0]);
    showSound(`the ${name}`);
    setText(microphoneButton, 'Stop');
  } catch (error) {
    notices.fail('camera', error);
  }
}

function failFile(name: string, error: unknown): void {
  notices.fail('file', error instanceof Error ? Object.assign(error, { message: `${name}: ${error.message}` }) : error);
}

async function hear(files: Iterable<File>, running: BrowserAgent): Promise<void> {
  const hearing = new AbortController();
  watching = { stop: () => hearing.abort() };
  setText(microphoneButton, 'Stop');
  const onRead = (name: string): void => canvas.setAttribute('data-read', name);
  await hearFiles(files, { agent: running, signal: hearing.signal, onShown: showSound, onRead, onFailed: failFile });
  if (!hearing.signal.aborted) stopWatching();
}

async function take(files: Iterable<File>): Promise<void> {
  if (watching !== undefined) notices.show('camera', { text: 'What was watched has stopped: a file was opened.' });
  stopWatching();
  notices.show('file', undefined);
  if (agent !== undefined && takesSound(agent.status)) return hear(files, agent);
  watching = await readFiles(files, {
    agent: () => agent,
    stage,
    onShown: showSource,
    onTrouble: showTrouble,
    onRead: (name) => canvas.setAttribute('data-read', name),
    onFailed: failFile,
  });
  if (watching !== undefined) setText(cameraButton, 'Stop');
}

cameraButton.addEventListener('click', () => {
  if (watching !== undefined) return stopWatching();
  void watch('camera', () => openCamera(cameraList.value));
});
cameraList.addEventListener('change', () => void watch('camera', () => openCamera(cameraList.value)));
microphoneButton.addEventListener('click', () => {
  if (watching !== undefined) return stopWatching();
  void listen('microphone', () => openMicrophone(microphoneList.value));
});
microphoneList.addEventListener('change', () => void listen('microphone', () => openMicrophone(microphoneList.value)));
screenButton.hidden = navigator.mediaDevices?.getDisplayMedia === undefined;
screenButton.addEventListener('click', () => {
  const hears = agent !== undefined && takesSound(agent.status);
  const open = (): Promise<MediaStream> => navigator.mediaDevices.getDisplayMedia({ video: true, audio: hears });
  void (hears ? listen('screen', open) : watch('screen', open));
});
const fileInput = element('files', HTMLInputElement);
fileInput.addEventListener('change', async () => {
  await take([...(fileInput.files ?? [])]);
  // The same file may be chosen again.
  fileInput.value = '';
});
takeDrops(canvas.parentElement as HTMLElement, (files) => void take([...files]));
setInterval(() => {
  meters.tick();
  if (agent !== undefined) showLeaving(agent.status, clock.wallMs());
}, 1_000);

/** Takes the agent up as soon as there is one: it may have to wait for another tab, and what it does meanwhile is shown. */
function adopt(started: BrowserAgent): void {
  agent = started;
  started.on('status', showStatus);
  started.on('result', ({ result }) => {
    meters.add(result);
    if (takesSound(started.status)) levels.add(result);
  });
  // Of pictures, whoever gives them is told.
  started.on('problem', ({ error }) => takesSound(started.status) && showTrouble(error));
  started.on('log', ({ level, line }) => (level === 'error' || level === 'warn' ? console.warn(line) : console.info(line)));
}

// What keeps this page for a start without a network also isolates it, where the server has not.
isolatePage(new URL('service-worker.js', document.baseURI))
  .catch((error: unknown) => {
    console.warn('this page will not start without a network', error);
    notices.show('offline', unkeptNotice(error));
  })
  .finally(() =>
    createAgent({ fleet: location.origin, ...(taken ?? takeSettings()) }, adopt).catch((error: unknown) => {
      notices.fail('phase', error);
      for (const button of [cameraButton, microphoneButton, screenButton]) button.disabled = true;
    }),
  );
