import type { EgressPolicy, FailingEnd, ParameterValues, Pipeline } from '@starling/shared';

/** A release that runs, as far as what is around its pipeline has to know it. */
export interface RunningRelease {
  digest: string;
  /** The main one first. */
  pipelines: readonly Pipeline[];
  egress: EgressPolicy;
  /** It runs the nodes of these places, for other devices; without it those that belong to the device. */
  places?: readonly string[];
  /** What the release sets, by the name of the pipeline. */
  parameters?: Readonly<Record<string, ParameterValues>>;
}

/** A source or a sink that fails now, and is tried again. */
export type Failing = FailingEnd;

/** What a runtime opens around the pipeline that runs: the sources that its nodes name, and the sinks. */
export interface PipelineEnds {
  /** Another release runs from now on, or none. */
  running(release: RunningRelease | undefined): void;
  /** A sink node of a pipeline of a release got values. */
  deliver(
    release: string,
    pipeline: string,
    node: string,
    values: Readonly<Record<string, unknown>>,
    item: { stream: string; sequence: number; timeMs: number; resultId?: string },
  ): void;
  /** Sources and sinks that fail now. */
  failing(): Failing[];
  close(): Promise<void>;
}

/**
 * @param tell makes an event of what people who look after the device should know
 * @param changed what fails now is another than before
 */
export type OpenPipelineEnds = (
  tell: (level: 'info' | 'warning' | 'error', code: string, message: string, detail?: Record<string, unknown>) => void,
  changed: () => void,
) => PipelineEnds;
