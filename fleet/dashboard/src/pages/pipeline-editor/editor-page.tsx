import { ActionIcon, Alert, Button, FileButton, Group, SegmentedControl, Text } from '@mantine/core';
import { IconArrowBackUp, IconArrowForwardUp, IconDeviceFloppy, IconPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { type RefObject, useRef, useState } from 'react';
import { read } from '../../data/queries.ts';
import { type Selection, wordsForGraph } from '../../graph/flow-elements.ts';
import { type Connection, GraphCanvas } from '../../graph/graph-canvas.tsx';
import { useModelPorts } from '../../graph/use-model-ports.ts';
import { useOpened } from '../../graph/use-opened.ts';
import { PageHeader } from '../../parts/page-header.tsx';
import { Panel } from '../../parts/panel.tsx';
import { QueryView } from '../../parts/query-view.tsx';
import { EdgeForm } from './edge-form.tsx';
import { type Edit, editText, freeName } from './edit-document.ts';
import classes from './editor-page.module.css';
import { outputsOf, refusalOf } from './fitting-outputs.ts';
import { LeaveGuard } from './leave-guard.tsx';
import { NodeForm } from './node-form.tsx';
import { PaletteDialog } from './palette-dialog.tsx';
import type { PaletteEntry } from './palette-entries.ts';
import { PipelineForm } from './pipeline-form.tsx';
import { ProblemList } from './problem-list.tsx';
import type { DraftProblem } from './read-draft.ts';
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
      {({ name, document }) => <Editor key={digest} initial={textOfPipeline(document)} title={`New version of ${name}`} isFromFleet />}
    </QueryView>
  );
}

interface EditorProps {
  initial: string;
  title: string;
  /** The text was made of what the fleet has. */
  isFromFleet?: boolean;
}

type Side = 'graph' | 'form' | 'text';

function Editor({ initial, title, isFromFleet = false }: EditorProps) {
  const editing = useEditing(initial);
  const { draft, graph, marks, selection, setSelection, edit, editor, history, ports } = editing;
  const [side, setSide] = useState<Side>('graph');
  const [dialog, setDialog] = useState<'palette' | 'save'>();
  const showProblem = ({ from, to }: DraftProblem): void => {
    setSide('text');
    // The text may only now come into sight.
    requestAnimationFrame(() => editor.current?.show(from, to));
  };
  return (
    <>
      <PageHeader
        title={title}
        note="The graph and the text are the same document. Lines are drawn from an output to an input that takes its type."
        actions={<EditorActions {...{ history, editor }} onSave={() => setDialog('save')} />}
      />
      {isFromFleet && <NoComments onText={(text) => editor.current?.replace(text)} />}
      <SideChoice side={side} onSide={setSide} />
      <div className={classes.halves} data-side={side}>
        <div className={classes.text}>
          <YamlEditor handle={editor} initial={initial} problems={draft.problems} onText={editing.onText} />
        </div>
        <div className={classes.graph}>
          <GraphCanvas
            {...{ graph, selection, marks }}
            layout={draft.name}
            label={wordsForGraph(draft.name || 'the pipeline', graph)}
            onSelect={setSelection}
            onToggle={editing.toggle}
            {...(draft.isRead && { editing: editing.onCanvas })}
          >
            <Group className={classes.add}>
              <Button
                size="xs"
                leftSection={<IconPlus size={14} aria-hidden />}
                onClick={() => setDialog('palette')}
                disabled={!draft.isRead}
                aria-haspopup="dialog"
              >
                Add a node
              </Button>
            </Group>
            {selection !== undefined && (
              <Button className={classes.toForm} hiddenFrom="md" size="xs" variant="default" onClick={() => setSide('form')}>
                Edit {graph.edges.find(({ id }) => id === selection.id)?.port ?? selection.id}
              </Button>
            )}
          </GraphCanvas>
        </div>
      </div>
      <div className={classes.below} data-side={side}>
        <Panel title="Check">
          <ProblemList problems={draft.problems} isChecking={!ports.isKnown} onShow={showProblem} />
        </Panel>
        <div className={classes.details}>
          <Panel title="Details">
            {draft.isRead ? (
              <Details {...{ draft, graph, selection }} onEdit={edit} onSelect={setSelection} />
            ) : (
              <Text size="sm" role="status">
                The text cannot be read now: the graph is the one before, and its forms come back when the text is mended.
              </Text>
            )}
          </Panel>
        </div>
      </div>
      {dialog !== undefined && <EditorDialog {...{ dialog, editing }} onClose={() => setDialog(undefined)} />}
      <LeaveGuard isActive={editing.text !== initial && dialog !== 'save'} />
    </>
  );
}

/** The document while it is edited, and what can be done to it. */
function useEditing(initial: string) {
  const [text, setText] = useState(initial);
  const [history, setHistory] = useState({ canUndo: false, canRedo: false });
  const [selection, setSelection] = useState<Selection>();
  const { opened, toggle } = useOpened();
  const ports = useModelPorts();
  const { draft, graph, marks } = useDraft(text, ports, opened);
  const editor = useRef<YamlHandle>(null);
  const edit = (...edits: Edit[]): void => editor.current?.replace(editText(text, ...edits));
  const add = ({ wish, edits }: PaletteEntry): void => {
    const name = freeName(wish, Object.keys(draft.graph.nodes));
    edit(...edits(name));
    setSelection({ kind: 'node', id: name });
  };
  const onDelete = ({ kind, id }: Selection): void => {
    const index = graph.edges.find((edge) => edge.id === id)?.index;
    if (kind === 'node') edit({ kind: 'remove-node', name: id });
    else if (index !== undefined) edit({ kind: 'disconnect', index });
    setSelection(undefined);
  };
  const onText = (next: string, steps: typeof history): void => {
    setText(next);
    setHistory(steps);
  };
  const onCanvas = {
    refusalOf: (connection: Connection) => refusalOf(graph, connection),
    onConnect: ({ from, fromPort, to, toPort }: Connection) =>
      edit({ kind: 'connect', from: `${from}.${fromPort}`, to: `${to}.${toPort}` }),
    onDelete,
  };
  return { text, history, selection, setSelection, toggle, ports, draft, graph, marks, editor, edit, add, onText, onCanvas };
}

interface EditorActionsProps {
  history: { canUndo: boolean; canRedo: boolean };
  editor: RefObject<YamlHandle | null>;
  onSave: () => void;
}

function EditorActions({ history, editor, onSave }: EditorActionsProps) {
  return (
    <>
      <ActionIcon variant="default" size={36} aria-label="Undo" disabled={!history.canUndo} onClick={() => editor.current?.undo()}>
        <IconArrowBackUp size={18} aria-hidden />
      </ActionIcon>
      <ActionIcon variant="default" size={36} aria-label="Redo" disabled={!history.canRedo} onClick={() => editor.current?.redo()}>
        <IconArrowForwardUp size={18} aria-hidden />
      </ActionIcon>
      <Button leftSection={<IconDeviceFloppy size={16} aria-hidden />} onClick={onSave} aria-haspopup="dialog">
        Save
      </Button>
    </>
  );
}

/** The fleet has the document that was signed, in which no comments are: whoever has the file goes on with that. */
function NoComments({ onText }: { onText: (text: string) => void }) {
  return (
    <Alert variant="outline" color="gray" mb="md" title="Without the comments of the file">
      <Group justify="space-between" gap="sm">
        <Text size="sm" flex="1 1 20rem">
          A fleet keeps what a pipeline is, not the text that was pushed: its comments are not in here. If you have the file, go on with it.
        </Text>
        <FileButton accept=".yaml,.yml,.json" onChange={(file) => void file?.text().then(onText)}>
          {(button) => (
            <Button {...button} variant="default" size="xs">
              Open the file
            </Button>
          )}
        </FileButton>
      </Group>
    </Alert>
  );
}

const sides: readonly { value: Side; label: string }[] = [
  { value: 'graph', label: 'Graph' },
  { value: 'form', label: 'Form' },
  { value: 'text', label: 'Text' },
];

/** On a phone there is room for one of the three. */
function SideChoice({ side, onSide }: { side: Side; onSide: (side: Side) => void }) {
  return (
    <SegmentedControl
      hiddenFrom="md"
      aria-label="What is shown"
      data={[...sides]}
      value={side}
      onChange={(next) => onSide(sides.find(({ value }) => value === next)?.value ?? 'graph')}
    />
  );
}

interface EditorDialogProps {
  dialog: 'palette' | 'save';
  editing: ReturnType<typeof useEditing>;
  onClose: () => void;
}

function EditorDialog({ dialog, editing: { draft, text, add }, onClose }: EditorDialogProps) {
  const models = useQuery(read('listModels', { query: { limit: 200 } }));
  const pipelines = useQuery(read('listPipelines', { query: { limit: 200 } }));
  const published = pipelines.data?.items ?? [];
  if (dialog === 'save') {
    const isTaken = published.some(({ name, version }) => name === draft.name && version === draft.version);
    return <SaveDialog {...{ draft, text, isTaken, onClose }} />;
  }
  return (
    <PaletteDialog
      catalogue={{ models: models.data?.items ?? [], pipelines: published }}
      inside={Object.keys(draft.graph.pipelines)}
      onAdd={(entry) => {
        add(entry);
        onClose();
      }}
      onClose={onClose}
    />
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
    return <NodeForm key={drawn.id} {...{ drawn, node, graph, draft, onEdit }} onSelect={select} />;
  }
  if (drawn?.group !== undefined) {
    return (
      <Alert variant="outline" color="gray" title={drawn.id}>
        It stands in the inner pipeline, which is written in the text.
      </Alert>
    );
  }
  if (edge !== undefined) return <EdgeForm key={edge.id} {...{ edge, onEdit }} onGone={() => onSelect(undefined)} />;
  return <PipelineForm {...{ draft, onEdit }} outputs={outputsOf(graph)} />;
}
