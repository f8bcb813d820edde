import { ActionIcon, Alert, Button, Group, SegmentedControl } from '@mantine/core';
import { IconArrowBackUp, IconArrowForwardUp, IconDeviceFloppy, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useRef, useState } from 'react';
import { read } from '../../data/queries.ts';
import { type Selection, wordsForGraph } from '../../graph/flow-elements.ts';
import { GraphCanvas } from '../../graph/graph-canvas.tsx';
import { useModelPorts } from '../../graph/use-model-ports.ts';
import { useOpened } from '../../graph/use-opened.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { EdgeForm } from './edge-form.tsx';
import { type Edit, editText, freeName } from './edit-document.ts';
import classes from './editor-page.module.css';
import { refusalOf } from './fitting-outputs.ts';
import { LeaveGuard } from './leave-guard.tsx';
import { NodeForm } from './node-form.tsx';
import { PaletteDialog } from './palette-dialog.tsx';
import type { PaletteEntry } from './palette-entries.ts';
import { PipelineForm } from './pipeline-form.tsx';
import { ProblemList } from './problem-list.tsx';
import { SaveDialog } from './save-dialog.tsx';
import { startingText, textOfPipeline } from './starting-text.ts';
import { useDraft } from './use-draft.ts';
import { YamlEditor, type YamlHandle } from './yaml-editor.tsx';

const route = getRouteApi('/shell/pipelines/new');

/** A pipeline as a graph and as text, side by side: what changes in one changes in the other. */
export function EditorPage() {
  const { from } = route.useSearch();
  return from === undefined ? <Editor key="new" initial={startingText} title="New pipeline" /> : <EditorOf digest={from} />;
}

function EditorOf({ digest }: { digest: string }) {
  const pipeline = useQuery(read('showPipeline', { params: { digest } }));
  return (
    <QueryView query={pipeline} heightPx={560} page="New version">
      {({ name, document }) => <Editor key={digest} initial={textOfPipeline(document)} title={`New version of ${name}`} />}
    </QueryView>
  );
}

function Editor({ initial, title }: { initial: string; title: string }) {
  const [text, setText] = useState(initial);
  const [history, setHistory] = useState({ canUndo: false, canRedo: false });
  const [side, setSide] = useState<'graph' | 'text'>('graph');
  const [selection, setSelection] = useState<Selection>();
  const [dialog, setDialog] = useState<'palette' | 'save'>();
  const { opened, toggle } = useOpened();
  const ports = useModelPorts();
  const models = useQuery(read('listModels', { query: { limit: 200 } }));
  const pipelines = useQuery(read('listPipelines', { query: { limit: 200 } }));
  const { draft, graph, marks } = useDraft(text, ports, opened);
  const editor = useRef<YamlHandle>(null);

  const edit = (...edits: Edit[]): void => editor.current?.replace(editText(text, ...edits));
  const add = ({ wish, edits }: PaletteEntry): void => {
    const name = freeName(wish, Object.keys(draft.graph.nodes));
    edit(...edits(name));
    setDialog(undefined);
    setSelection({ kind: 'node', id: name });
  };
  const remove = ({ kind, id }: Selection): void => {
    const index = graph.edges.find((edge) => edge.id === id)?.index;
    if (kind === 'node') edit({ kind: 'remove-node', name: id });
    else if (index !== undefined) edit({ kind: 'disconnect', index });
    setSelection(undefined);
  };
  const isTaken = pipelines.data?.items.some(({ name, version }) => name === draft.name && version === draft.version) === true;
  return (
    <>
      <PageHeader
        title={title}
        note="The graph and the text are the same document. Lines are drawn from an output to an input that takes its type."
        actions={
          <>
            <ActionIcon variant="default" size={36} aria-label="Undo" disabled={!history.canUndo} onClick={() => editor.current?.undo()}>
              <IconArrowBackUp size={18} aria-hidden />
            </ActionIcon>
            <ActionIcon variant="default" size={36} aria-label="Redo" disabled={!history.canRedo} onClick={() => editor.current?.redo()}>
              <IconArrowForwardUp size={18} aria-hidden />
            </ActionIcon>
            <Button leftSection={<IconDeviceFloppy size={16} aria-hidden />} onClick={() => setDialog('save')} aria-haspopup="dialog">
              Save
            </Button>
          </>
        }
      />
      <SegmentedControl
        hiddenFrom="md"
        aria-label="What is shown"
        data={[
          { value: 'graph', label: 'Graph' },
          { value: 'text', label: 'Text' },
        ]}
        value={side}
        onChange={(next) => setSide(next === 'text' ? 'text' : 'graph')}
      />
      <div className={classes.halves} data-side={side}>
        <div className={classes.text}>
          <YamlEditor
            handle={editor}
            initial={initial}
            problems={draft.problems}
            onText={(next, steps) => {
              setText(next);
              setHistory(steps);
            }}
          />
        </div>
        <div className={classes.graph}>
          <GraphCanvas
            {...{ graph, selection, marks }}
            label={wordsForGraph(draft.name || 'the pipeline', graph)}
            onSelect={setSelection}
            onToggle={toggle}
            editing={{
              refusalOf: (connection) => refusalOf(graph, connection),
              onConnect: ({ from, fromPort, to, toPort }) => edit({ kind: 'connect', from: `${from}.${fromPort}`, to: `${to}.${toPort}` }),
              onDelete: remove,
            }}
          >
            <Group className={classes.add}>
              <Button
                size="xs"
                leftSection={<IconPlus size={14} aria-hidden />}
                onClick={() => setDialog('palette')}
                aria-haspopup="dialog"
              >
                Add a node
              </Button>
            </Group>
          </GraphCanvas>
        </div>
      </div>
      <div className={classes.below}>
        <Panel title="Check">
          <ProblemList
            problems={draft.problems}
            isChecking={!ports.isKnown}
            onShow={(problem) => {
              setSide('text');
              // The text may only now come into sight.
              requestAnimationFrame(() => editor.current?.show(problem.from, problem.to));
            }}
          />
        </Panel>
        <Panel title="Details">
          <Details {...{ draft, graph, selection }} onEdit={edit} onSelect={setSelection} />
        </Panel>
      </div>
      {dialog === 'palette' && (
        <PaletteDialog
          catalogue={{ models: models.data?.items ?? [], pipelines: pipelines.data?.items ?? [] }}
          inside={Object.keys(draft.graph.pipelines)}
          onAdd={add}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === 'save' && <SaveDialog {...{ draft, text, isTaken }} onClose={() => setDialog(undefined)} />}
      <LeaveGuard isActive={text !== initial && dialog !== 'save'} />
    </>
  );
}

interface DetailsProps extends Pick<ReturnType<typeof useDraft>, 'draft' | 'graph'> {
  selection: Selection | undefined;
  onEdit: (...edits: Edit[]) => void;
  onSelect: (selection: Selection | undefined) => void;
}

/** The form of what is chosen; of the whole pipeline where nothing is. */
function Details({ draft, graph, selection, onEdit, onSelect }: DetailsProps) {
  const drawn = selection?.kind === 'node' ? graph.nodes.find(({ id }) => id === selection.id) : undefined;
  const node = drawn === undefined ? undefined : draft.graph.nodes[drawn.id];
  const edge = selection?.kind === 'edge' ? graph.edges.find(({ id }) => id === selection.id) : undefined;
  if (drawn !== undefined && node !== undefined) {
    const select = (id: string | undefined): void => onSelect(id === undefined ? undefined : { kind: 'node', id });
    return <NodeForm key={drawn.id} {...{ drawn, node, graph, onEdit }} onSelect={select} />;
  }
  if (drawn?.group !== undefined) {
    return (
      <Alert variant="outline" color="gray" title={drawn.id}>
        It stands in the inner pipeline, which is written in the text.
      </Alert>
    );
  }
  if (edge !== undefined) return <EdgeForm key={edge.id} {...{ edge, onEdit }} onGone={() => onSelect(undefined)} />;
  return <PipelineForm {...{ draft, onEdit }} />;
}
