import { lazy, Suspense } from "react";
import { create } from "zustand";
import type { Question } from "../ui/ConfirmDialog";
import { ErrorBoundary } from "../ui/ErrorBoundary";
import { toast } from "../ui/Toasts";
import type { Message } from "../wire/types";
import { t } from "./i18n";

/** A dialog that can be opened from anywhere. */
export type DialogKind =
  | { kind: "create-room" }
  | { kind: "join" }
  | { kind: "direct" }
  | { kind: "switcher" }
  | { kind: "help" }
  | { kind: "settings" }
  | { kind: "person"; user: string; room?: string }
  | { kind: "invite"; room: string }
  | { kind: "destroy"; room: string; name: string }
  | { kind: "confirm"; question: Question }
  | { kind: "delete-message"; room: string; message: Message }
  | { kind: "versions" | "seen" | "reactions"; room: string; message: string };

const useDialog = create<{ dialog: DialogKind | undefined }>(() => ({ dialog: undefined }));

/** Opens a dialog. One is open at a time. */
export function openDialog(dialog: DialogKind): void {
  useDialog.setState({ dialog });
}

/** Closes the dialog that is open. */
export function closeDialog(): void {
  useDialog.setState({ dialog: undefined });
}

const CreateRoom = lazy(() => import("../features/rooms/CreateRoomDialog"));
const Join = lazy(() => import("../features/rooms/JoinDialog"));
const Direct = lazy(() => import("../features/people/DirectDialog"));
const Switcher = lazy(() => import("../features/rooms/Switcher"));
const Help = lazy(() => import("../features/settings/HelpDialog"));
const Settings = lazy(() => import("../features/settings/SettingsDialog"));
const Person = lazy(() => import("../features/people/PersonDialog"));
const Invite = lazy(() => import("../features/rooms/InviteDialog"));
const Confirm = lazy(() => import("../ui/ConfirmDialog"));
const Destroy = lazy(() => import("../features/rooms/DestroyDialog"));
const DeleteMessage = lazy(() => import("../features/timeline/DeleteMessageDialog"));
const Versions = lazy(() => import("../features/timeline/VersionsDialog"));
const Reactions = lazy(() => import("../features/timeline/ReactionsDialog"));
const Seen = lazy(() => import("../features/timeline/SeenDialog"));

/** The dialog that is open, if one is. */
export function Dialogs() {
  const { dialog } = useDialog();
  if (!dialog) return null;
  return (
    <ErrorBoundary place={dialog.kind} onBroken={broke}>
      <Suspense fallback={null}>{view(dialog)}</Suspense>
    </ErrorBoundary>
  );
}

function broke(): void {
  closeDialog();
  toast(t("This part of the page broke"));
}

function view(dialog: DialogKind) {
  switch (dialog.kind) {
    case "create-room":
      return <CreateRoom />;
    case "join":
      return <Join />;
    case "direct":
      return <Direct />;
    case "switcher":
      return <Switcher />;
    case "help":
      return <Help />;
    case "settings":
      return <Settings />;
    case "person":
      return <Person user={dialog.user} room={dialog.room} />;
    case "invite":
      return <Invite room={dialog.room} />;
    case "destroy":
      return <Destroy room={dialog.room} name={dialog.name} />;
    case "confirm":
      return <Confirm question={dialog.question} onClose={closeDialog} />;
    case "delete-message":
      return <DeleteMessage room={dialog.room} message={dialog.message} />;
    case "versions":
      return <Versions room={dialog.room} message={dialog.message} />;
    case "reactions":
      return <Reactions room={dialog.room} message={dialog.message} />;
    case "seen":
      return <Seen room={dialog.room} message={dialog.message} />;
  }
}
