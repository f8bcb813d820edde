import type { InferenceResult } from '@starling/shared';
import type { AgentPhase } from '../agent-messages.ts';
import { createSystemClock } from '../clock.ts';
import { createStage } from '../draw-results.ts';
import { type BrowserAgent, type BrowserAgentStatus, createAgent, isolatePage, type Listening, watchStream } from '../index.ts';
import { decodeSound, hearSound, listenStream, openMicrophone } from '../sources/audio.ts';
import { openCamera } from '../sources/camera.ts';
import { waitsFor } from '../waits-for.ts';
import { besideWords } from './beside.ts';
import { chooseFiles, leftOutNotice } from './choose-files.ts';
import { element, make, setData, setText } from './elements.ts';
import { fileNotice } from './file-notice.ts';
import { listInputs } from './inputs.ts';
import { createMeters } from './meters.ts';
import { createNotices, type Notice } from './notices.ts';
import { readFiles, takeDrops } from './pictures.ts';
import { showLeaving } from './privacy.ts';
import { errorNotice, problemNotice, unneededLink } from './problem-notice.ts';
import { createReach, lostNotice, type ReachWord } from './reach.ts';
import { readinessOf } from './readiness.ts';
import { refusedNotice } from './refused.ts';
import { takeSettings } from './settings.ts';
import { createLevelView, hearFiles, takesSound } from './sounds.ts';
import { shownSteps, showSteps } from './steps.ts';
import { createStuckWatch } from './stuck.ts';
import { createTurns, type Turn } from './turns.ts';
import { againUnexplained, unkeptNotice } from './unkept.ts';

const canvas = element('picture', HTMLCanvasElement);
const cameraButton = element('camera', HTMLButtonElement);
const cameraList = element('cameras', HTMLSelectElement);
const microphoneButton = element('microphone', HTMLButtonElement);
const microphoneList = element('microphones', HTMLSelectElement);
const screenButton = element('screen', HTMLButtonElement);
const fileInput = element('files', HTMLInputElement);
/** Stands where nothing is shown yet. */
const empty = element('empty', HTMLParagraphElement);
const notices = createNotices();
const meters = createMeters(() => performance.now());
const stage = createStage(canvas);
const levels = createLevelView(canvas);
const clock = createSystemClock();
// Out of sight at once, unless the page may be loaded once more to be isolated: until then the token stays in its address.
const taken = globalThis.crossOriginIsolated ? takeSettings() : undefined;
let agent: BrowserAgent | undefined;
/** What is seen or heard now: nothing else tells or shows anything. */
const turns = createTurns();
let recordings = 0;
/** Said of a picture that cannot be shown, where it would stand. */
let unseen: string | undefined;
/** The link that opened this page was spoken of. */
let isLinkTold = false;
const reach = createReach();
const stuck = createStuckWatch();
/** A notice that nobody has to do anything about goes after this time. */
const SAID_MS = 5_000;

function showStatus(status: BrowserAgentStatus): void {
  showSteps(element('steps', HTMLOListElement), shownSteps(status));
  setData(document.body, 'phase', status.phase);
  notices.show('phase', noticeOf(status));
  notices.show('refused', refusedNotice(status.agent?.reported));
  if (status.tokenIgnored === true && !isLinkTold) notices.show('link', unneededLink);
  isLinkTold ||= status.tokenIgnored === true;
  showLeaving(status, clock.wallMs());
  showReadiness(status.phase, takesSound(status));
  showControls(takesSound(status));
  showReach(status);
  const { reported, device } = status.agent ?? {};
  const beside = besideWords(reported);
  const providers = Object.values(reported?.running?.providers ?? {});
  meters.showProviders(providers, status.threads);
  showFacts({
    ...nameOf(device ?? status.known?.device),
    Release: releaseWords(status),
    ...(beside === undefined ? {} : { 'Also tried': beside }),
    ...(status.withoutGpu === undefined || providers.includes('webgpu') ? {} : { Graphics: status.withoutGpu }),
    ...(status.agent === undefined ? {} : { 'Not sent yet': `${Math.round(status.agent.spoolBytes / 1024)} KB of telemetry` }),
  });
}

/** What does nothing cannot be pressed, and the page says why. */
function showReadiness(phase: AgentPhase, hears: boolean): void {
  const { isReady, says } = readinessOf(phase, hears);
  for (const control of [cameraButton, microphoneButton, screenButton, fileInput]) control.disabled = !isReady;
  setText(empty, unseen ?? says);
  if (!isReady && turns.isHeld) stopWatching();
}

/** A pipeline sees or hears, and what does not fit it is out of the way. */
function showControls(hears: boolean): void {
  if (microphoneButton.hidden !== hears) return;
  microphoneButton.hidden = !hears;
  cameraButton.hidden = hears;
  for (const list of [cameraList, microphoneList]) (list.parentElement as HTMLElement).hidden = true;
  stopWatching();
}

function releaseWords({ agent: running, known: kept }: BrowserAgentStatus): string {
  if (running === undefined && kept?.release != null) return `${kept.release.slice(0, 12)} (starting again)`;
  const known = running?.reported.running;
  if (known == null) return 'none yet';
  const words = [running?.releaseName, known.release.slice(0, 12)].filter((each) => typeof each === 'string');
  return `${words.join(', ')}${known.verified ? '' : ' (on probation)'}`;
}

function noticeOf(status: BrowserAgentStatus): Notice | undefined {
  const error = status.phase === 'other-tab' ? undefined : (status.problem ?? status.agent?.reported.error ?? undefined);
  return error === undefined ? waitsFor(status) : problemNotice(error);
}

/** How far the fleet is, in the head of the page; where it is lost, what that means. */
function showReach(status: BrowserAgentStatus): void {
  const { word, isLost } = reach(status.agent?.link, performance.now());
  const pill = element('link', HTMLParagraphElement);
  setData(pill, 'state', word);
  setText(pill, pillOf(status, word));
  notices.show('reach', isLost && !status.pending ? lostNotice(status.agent?.reported.running != null) : undefined);
}

/** Names of states as people say them. */
function pillOf({ phase, known, pending }: BrowserAgentStatus, word: ReachWord): string {
  if (phase === 'other-tab') return 'waiting';
  if (word === 'starting') return phase === 'measuring' && known !== undefined ? 'starting again' : phase;
  return pending ? 'waiting' : word;
}

/** Frames that fail one after the other are one notice, which goes when they are read again. */
function showTrouble(error: unknown): void {
  if (error === undefined) notices.show('frames', undefined);
  else notices.fail('frames', error);
}

function nameOf(device: string | undefined): Record<string, string> {
  return device === undefined ? {} : { Device: device };
}

function showFacts(facts: Readonly<Record<string, string>>): void {
  const list = element('facts', HTMLDListElement);
  const text = JSON.stringify(facts);
  if (list.dataset.text === text) return;
  list.dataset.text = text;
  list.replaceChildren(...Object.entries(facts).flatMap(([name, value]) => [make('dt', name), make('dd', value)]));
}

function hideEmpty(): void {
  unseen = undefined;
  empty.hidden = true;
}

function showSource(name: string): void {
  hideEmpty();
  canvas.setAttribute('aria-label', `Picture of ${name}, with what was read in it`);
}

function showUnseen(name: string): void {
  unseen = `${name} cannot be shown.`;
  setText(empty, unseen);
  empty.hidden = false;
  canvas.setAttribute('aria-label', unseen);
}

function showSound(name: string): void {
  hideEmpty();
  canvas.setAttribute('aria-label', `How loud ${name} is`);
  levels.forget();
}

function stopWatching(): void {
  turns.end();
  meters.forget();
  showTrouble(undefined);
  setText(cameraButton, 'Start camera');
  setText(microphoneButton, 'Start microphone');
}

/** Something else is seen or heard from now on, and what was said of the source before goes with it. */
function beginTurn(): Turn {
  stopWatching();
  for (const about of ['camera', 'file', 'left out', 'link']) notices.show(about, undefined);
  meters.clear();
  return turns.begin();
}

/** What is taken away from outside ends here too, and says so. */
function stopWhenEnded(turn: Turn, track: MediaStreamTrack | undefined, name: string): void {
  const stop = turn.whileOn(() => {
    stopWatching();
    notices.show('camera', { text: `The ${name} has ended.` });
  });
  track?.addEventListener('ended', stop);
}

/** Gives what a source sees or hears to the agent, and shows what was read for as long as this source is what is shown. */
function inferFor(turn: Turn, running: BrowserAgent): BrowserAgent['infer'] {
  const show = turn.whileOn((result: InferenceResult) => {
    meters.add(result);
    if (takesSound(running.status)) levels.add(result);
  });
  return async (input, source) => {
    const result = await running.infer(input, source);
    show(result);
    return result;
  };
}

type Reader = (stream: MediaStream, turn: Turn, running: BrowserAgent) => Promise<Listening>;

/** Opens a stream and reads it until something else takes its place, which may come before it is open. @returns whether it is read */
async function start(name: string, open: () => Promise<MediaStream>, read: Reader): Promise<MediaStream | undefined> {
  const running = agent;
  if (running === undefined) return undefined;
  const turn = beginTurn();
  let stream: MediaStream | undefined;
  const end = (): void => stream?.getTracks().forEach((track) => void track.stop());
  try {
    stream = await open();
    if (!turn.isOn) return void end();
    stopWhenEnded(turn, stream.getTracks()[0], name);
    turn.hold(await read(stream, turn, running));
    return turn.isOn ? stream : undefined;
  } catch (error) {
    end();
    turn.whileOn(() => notices.fail('camera', error))();
    return undefined;
  }
}

async function watch(name: string, open: () => Promise<MediaStream>): Promise<void> {
  const stream = await start(name, open, (opened, turn, running) => {
    stage.forget();
    return watchStream(opened, name, { infer: inferFor(turn, running), stage, onTrouble: turn.whileOn(showTrouble) });
  });
  if (stream === undefined) return;
  showSource(`the ${name}`);
  setText(cameraButton, 'Stop');
  if (name === 'camera') await listInputs(cameraList, 'videoinput', stream.getVideoTracks()[0]);
}

/** What a graph keeps of one recording means nothing for the next. */
function nextRecording(name: string): string {
  recordings += 1;
  return `${name} ${recordings}`;
}

async function listen(name: string, open: () => Promise<MediaStream>): Promise<void> {
  const stream = await start(name, open, (opened, turn, running) =>
    listenStream(opened, nextRecording(name), { infer: inferFor(turn, running), onTrouble: turn.whileOn(showTrouble) }),
  );
  if (stream === undefined) return;
  showSound(`the ${name}`);
  setText(microphoneButton, 'Stop');
  if (name === 'microphone') await listInputs(microphoneList, 'audioinput', stream.getAudioTracks()[0]);
}

function failFile(name: string, error: unknown): void {
  notices.show('file', fileNotice(name, error));
}

function markRead(name: string): void {
  canvas.setAttribute('data-read', name);
}

async function hear(files: Iterable<File>, turn: Turn, running: BrowserAgent): Promise<void> {
  const hearing = new AbortController();
  turn.hold({ stop: () => hearing.abort() });
  setText(microphoneButton, 'Stop');
  const infer = inferFor(turn, running);
  await hearFiles(files, {
    signal: hearing.signal,
    hear: async (file) => hearSound(await decodeSound(file), nextRecording('file'), infer, hearing.signal),
    onShown: turn.whileOn(showSound),
    onRead: turn.whileOn(markRead),
    onFailed: turn.whileOn(failFile),
  });
  turn.whileOn(stopWatching)();
}

function leaveOut(notice: Notice | undefined): void {
  notices.show('file', undefined);
  notices.show('left out', notice);
}

async function take(files: Iterable<File>): Promise<void> {
  const running = agent;
  const hears = running !== undefined && takesSound(running.status);
  const { taken, ...others } = await chooseFiles(files, hears);
  const notice = leftOutNotice(others, hears);
  // What is watched goes on where nothing came to take its place. What was said of the files before is over.
  if (taken.length === 0) return leaveOut(notice);
  const hasStopped = turns.isHeld;
  const turn = beginTurn();
  notices.show('left out', notice);
  if (hasStopped) notices.show('camera', { text: 'What was watched has stopped: a file was opened.' });
  await (hears ? hear(taken, turn, running) : see(taken, turn, running));
  // Whoever opened the file has seen by then what became of it.
  if (hasStopped)
    setTimeout(
      turn.whileOn(() => notices.show('camera', undefined)),
      SAID_MS,
    );
}

async function see(files: readonly File[], turn: Turn, running: BrowserAgent | undefined): Promise<void> {
  await readFiles(files, {
    ...{ turn, stage, agent: running },
    videoSink: running === undefined ? undefined : { infer: inferFor(turn, running), stage, onTrouble: turn.whileOn(showTrouble) },
    onShown(name) {
      showSource(name);
      // Of several, what was read in those before stays to be seen.
      if (files.length > 1) meters.next(name);
      else meters.clear();
    },
    onFailed(name, error) {
      failFile(name, error);
      if (files.length > 1) meters.fail('not read');
    },
    onUnseen: showUnseen,
    onRead(name, result) {
      meters.add(result);
      markRead(name);
    },
  });
  if (turn.isOn && turns.isHeld) setText(cameraButton, 'Stop');
}

cameraButton.addEventListener('click', () => {
  if (turns.isHeld) return stopWatching();
  void watch('camera', () => openCamera(cameraList.value));
});
cameraList.addEventListener('change', () => void watch('camera', () => openCamera(cameraList.value)));
microphoneButton.addEventListener('click', () => {
  if (turns.isHeld) return stopWatching();
  void listen('microphone', () => openMicrophone(microphoneList.value));
});
microphoneList.addEventListener('change', () => void listen('microphone', () => openMicrophone(microphoneList.value)));
screenButton.hidden = navigator.mediaDevices?.getDisplayMedia === undefined;
screenButton.addEventListener('click', () => {
  const hears = agent !== undefined && takesSound(agent.status);
  const open = (): Promise<MediaStream> => navigator.mediaDevices.getDisplayMedia({ video: true, audio: hears });
  void (hears ? listen('screen', open) : watch('screen', open));
});
fileInput.addEventListener('change', async () => {
  await take([...(fileInput.files ?? [])]);
  // The same file may be chosen again.
  fileInput.value = '';
});
takeDrops(canvas.parentElement as HTMLElement, (files) => {
  if (fileInput.disabled) return leaveOut({ text: 'What was dropped was not taken.', hint: empty.textContent ?? undefined });
  void take([...files]);
});
setInterval(() => {
  meters.tick();
  if (agent === undefined) return;
  showLeaving(agent.status, clock.wallMs());
  showReach(agent.status);
  notices.show('stuck', stuck(agent.status.phase, performance.now()));
}, 1_000);

/** Takes the agent up as soon as there is one: it may have to wait for another tab, and what it does meanwhile is shown. */
function adopt(started: BrowserAgent): void {
  agent = started;
  started.on('status', showStatus);
  started.on('log', ({ level, line }) => (level === 'error' || level === 'warn' ? console.warn(line) : console.info(line)));
}

// What keeps this page for a start without a network also isolates it, where the server has not.
againUnexplained(() => isolatePage(new URL('service-worker.js', document.baseURI)))
  .catch((error: unknown) => {
    console.warn('this page will not start without a network', error);
    notices.show('offline', unkeptNotice(error));
  })
  .finally(() =>
    createAgent({ fleet: location.origin, ...(taken ?? takeSettings()) }, adopt).catch((error: unknown) => {
      notices.show('phase', errorNotice(error));
      showReadiness('failed', false);
    }),
  );
