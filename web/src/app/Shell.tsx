import { useQueryClient } from "@tanstack/react-query";
import { lazy, Suspense, useEffect } from "react";
import { followUploads } from "../features/composer/followUploads";
import { InboxPage } from "../features/inbox/InboxPage";
import { followNotifications } from "../features/notifications/notifications";
import { followPeople, recallPeople } from "../features/people/people";
import { followMembers } from "../features/people/useMembers";
import { Directory } from "../features/rooms/Directory";
import { InvitePage } from "../features/rooms/InvitePage";
import { RoomList } from "../features/rooms/RoomList";
import { RoomPage } from "../features/rooms/RoomPage";
import { followRooms, recallRooms } from "../features/rooms/rooms";
import { Welcome } from "../features/rooms/Welcome";
import { followPresence } from "../features/session/idle";
import { useMe } from "../features/session/session";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { onWake } from "../wire/wake";
import { useConversation } from "./conversation";
import { Dialogs } from "./dialogs";
import { followFailures } from "./failures";
import { t } from "./i18n";
import { Keyboard } from "./Keyboard";
import { LinkBar } from "./LinkBar";
import { type Panel, pathOf, useLocation } from "./router";
import { useFocusBack } from "./useFocusBack";
import "./shell.css";
import "./page.css";
import "./panel.css";

const AdminPage = lazy(() => import("../features/admin/AdminPage"));
const PeoplePanel = lazy(() => import("../features/people/PeoplePanel"));
const DetailsPanel = lazy(() => import("../features/rooms/DetailsPanel"));
const SearchPanel = lazy(() => import("../features/search/SearchPanel"));

/** Three columns on a desktop, one at a time on a phone. */
export function Shell() {
  const conversation = useConversation();
  const queries = useQueryClient();
  const { route, panel } = useLocation();
  const me = useMe();

  useEffect(() => {
    void conversation.memory.lists().then(({ rooms, people }) => {
      recallRooms(queries, rooms);
      recallPeople(people);
    });
    const stops = [
      followRooms(conversation, queries),
      followPeople(conversation),
      followMembers(conversation, queries),
      followNotifications(conversation, queries),
      followPresence(conversation),
      followFailures(conversation),
      followUploads(conversation),
    ];
    return () => {
      for (const stop of stops) stop();
    };
  }, [conversation, queries]);

  useEffect(() => {
    return onWake(() => conversation.engine.probe(), { window, document });
  }, [conversation]);

  const room = route.page === "room" ? route.room : undefined;
  return (
    <div className="shell" data-page={route.page} data-panel={panel}>
      <a className="skip" href="#main">
        {t("Skip to the conversation")}
      </a>
      <ErrorBoundary place={pathOf(route)}>
        <RoomList current={room} me={me} />
      </ErrorBoundary>
      <main className="main" id="main" tabIndex={-1}>
        <LinkBar />
        <ErrorBoundary place={pathOf(route)}>
          {route.page === "home" && <Welcome />}
          {route.page === "room" && <RoomPage key={route.room} id={route.room} target={route.seq} />}
          {route.page === "directory" && <Directory />}
          {route.page === "inbox" && <InboxPage />}
          {route.page === "admin" && (
            <Suspense fallback={<div className="panel-loading skeleton" />}>
              <AdminPage />
            </Suspense>
          )}
          {route.page === "invite" && <InvitePage code={route.code} />}
        </ErrorBoundary>
      </main>
      {panel && <Aside panel={panel} room={room} />}
      <Keyboard />
      <Dialogs />
    </div>
  );
}

interface AsideProps {
  readonly panel: NonNullable<Panel>;
  readonly room: string | undefined;
}

/** What is open beside the main column. */
function Aside({ panel, room }: AsideProps) {
  useFocusBack();
  return (
    <aside className="panel">
      <ErrorBoundary place={panel}>
        <Suspense fallback={<div className="panel-loading skeleton" />}>
          {panel === "people" && room && <PeoplePanel room={room} />}
          {panel === "details" && room && <DetailsPanel id={room} />}
          {panel === "search" && <SearchPanel room={room} />}
        </Suspense>
      </ErrorBoundary>
    </aside>
  );
}
