// A room: stage, people, chat, and the drawer with receipts, sessions and frames.

import { useSignal, type Signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { Icon, type IconName } from '../../ui/icons.js';
import { Tabs } from '../../ui/tabs.js';
import { clamp } from '../../ui/clamp.js';
import type { App } from '../model/app.js';
import type { RoomSession } from '../model/room-session.js';
import { Banner } from './banner.js';
import { ChatPanel } from './chat.js';
import { FramesPanel } from './frames.js';
import { Header } from './header.js';
import { PeoplePanel } from './people.js';
import { ReceiptsPanel } from './receipts.js';
import { SessionsPanel } from './sessions.js';
import { Stage } from './stage.js';
import { StatusLine } from './status-line.js';

type View = 'stage' | 'people' | 'chat' | 'drawer';
type DrawerTab = 'receipts' | 'sessions' | 'frames';

const VIEWS: readonly { readonly view: View; readonly label: string; readonly icon: IconName }[] = [
  { view: 'stage', label: 'Stage', icon: 'stage' },
  { view: 'people', label: 'People', icon: 'people' },
  { view: 'chat', label: 'Chat', icon: 'chat' },
  { view: 'drawer', label: 'Details', icon: 'activity' },
];

/** The room. */
export function RoomScreen({ app, session }: { app: App; session: RoomSession }) {
  const view = useSignal<View>(app.devices.state.value.status === 'open' ? 'stage' : 'chat');
  const name = session.room.name;
  useEffect(() => {
    document.title = `${clamp(name, 40)} · Stagedoor demo`;
    return () => {
      document.title = 'Stagedoor demo';
    };
  }, [name]);
  return (
    <div class="room" data-view={view.value}>
      <Header app={app} session={session} />
      <Banner session={session} />
      <main class="panels">
        <Stage app={app} session={session} />
        <PeoplePanel session={session} />
        <ChatPanel session={session} />
        <Drawer session={session} />
      </main>
      <StatusLine session={session} />
      <ViewNavigation view={view} />
    </div>
  );
}

function Drawer({ session }: { session: RoomSession }) {
  const mayModerate = session.state.value.capabilities.moderate;
  const chosen = useSignal<DrawerTab>('receipts');
  const selected = mayModerate ? chosen.value : 'frames';
  const tabs = [
    ...(mayModerate
      ? ([
          { id: 'receipts', label: 'Receipts' },
          { id: 'sessions', label: 'Sessions' },
        ] as const)
      : []),
    { id: 'frames', label: 'Wire' } as const,
  ];
  return (
    <section class="panel drawer" aria-label="Details">
      <Tabs<DrawerTab> label="Details" tabs={tabs} selected={selected} onSelect={(id) => (chosen.value = id)}>
        {selected === 'receipts' && <ReceiptsPanel session={session} />}
        {selected === 'sessions' && <SessionsPanel session={session} />}
        {selected === 'frames' && <FramesPanel log={session.frames} />}
      </Tabs>
    </section>
  );
}

/** Chooses the panel where there is room for one. */
function ViewNavigation({ view }: { view: Signal<View> }) {
  return (
    <nav class="views" aria-label="Parts of the room">
      {VIEWS.map(({ view: one, label, icon }) => (
        <button
          key={one}
          type="button"
          aria-current={view.value === one ? 'true' : undefined}
          onClick={() => (view.value = one)}
        >
          <Icon name={icon} />
          {label}
        </button>
      ))}
    </nav>
  );
}
