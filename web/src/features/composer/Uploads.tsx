import { lazy, Suspense } from "react";
import { UploadCard } from "./UploadCard";
import { useUploads } from "./uploads";

const Sortable = lazy(() => import("./SortableUploads"));

/** The files that go with the next message. They can be dragged as soon as what that takes is loaded. */
export function Uploads({ room }: { readonly room: string }) {
  const { list } = useUploads(room);
  if (list.length === 0) return null;
  const plain = (
    <ul className="uploads">
      {list.map((upload, index) => (
        <li key={upload.key} className="upload" data-state={upload.state.kind}>
          <UploadCard upload={upload} index={index} count={list.length} />
        </li>
      ))}
    </ul>
  );
  if (list.length === 1) return plain;
  return (
    <Suspense fallback={plain}>
      <Sortable room={room} list={list} />
    </Suspense>
  );
}
