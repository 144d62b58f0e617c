// Streams, events and graphs: when the device does what it is told.
//
// It does it at once, or, with CUDA_ON_CPU_STREAMS=deferred, when the host waits for it: then each
// stream does what it was told first, and no more than what is waited for.
#include <chrono>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "device.h"

namespace stand_in {

bool deferred, dropped;

namespace {

struct Queue {
  std::deque<Work> work;
  size_t added = 0, done = 0;

  void run_one() {
    const Work next = std::move(work.front());
    work.pop_front();
    next();
    ++done;
  }
  void run_until(size_t position) {
    while (done < position) run_one();
  }
};

using Graph = std::shared_ptr<std::vector<Work>>;

struct Stream {
  std::shared_ptr<Queue> queue;
  Graph capture;
};

struct Event {
  std::shared_ptr<Queue> queue;  // in which it was recorded, and after how much work
  size_t position = 0;
  double time = 0;  // of the host, in milliseconds
  bool done() const { return !queue || queue->done >= position; }
};

std::map<Handle, Stream> streams = {{0, {std::make_shared<Queue>(), nullptr}}};
std::map<Handle, Event> events;
std::map<Handle, Graph> graphs;
Handle last_handle = 0x1000;
bool capturing, capture_is_broken;

PyObject* wait(const std::function<void()>& until) {
  if (refused_in_capture()) return nullptr;
  ++counts["synchronisations"];
  until();
  return raise_failure();
}

// Asked, the device does one thing more, so that who asks often enough hears that it is done.
PyObject* answer(bool done, const std::shared_ptr<Queue>& queue) {
  if (!done) queue->run_one();
  return Py_BuildValue("i", done ? 0 : not_ready);
}

}  // namespace

bool refused_in_capture() {
  if (capturing) capture_is_broken = true, raise(capture_unsupported);
  return capturing;
}

void enqueue(Handle handle, Work work) {
  const Stream& stream = streams.at(handle);
  if (stream.capture) {
    stream.capture->push_back(std::move(work));
  } else if (!dropped) {
    stream.queue->work.push_back(std::move(work));
    ++stream.queue->added;
    if (!deferred) finish(handle);
  }
}

void finish(Handle stream) {
  Queue& queue = *streams.at(stream).queue;
  queue.run_until(queue.added);
}

void finish_all() {
  for (const auto& [handle, stream] : streams) finish(handle);
}

extern "C" {

// A stream that waits for the default stream, and is waited for, has the same queue.
Handle runtime_streamCreateWithFlags(unsigned flags, int) {
  constexpr unsigned non_blocking = 1;
  streams[++last_handle] = {
      flags & non_blocking ? std::make_shared<Queue>() : streams.at(0).queue, nullptr};
  return last_handle;
}
Handle runtime_streamCreate(int) { return runtime_streamCreateWithFlags(0, 0); }
Handle runtime_streamCreateWithPriority(unsigned flags, int, int) {
  return runtime_streamCreateWithFlags(flags, 0);
}
PyObject* runtime_streamDestroy(Handle stream, int) {
  finish(stream);
  streams.erase(stream);
  return none();
}
PyObject* runtime_streamSynchronize(Handle stream, int) {
  return wait([=] { finish(stream); });
}
PyObject* runtime_deviceSynchronize(int) { return wait(finish_all); }
PyObject* runtime_streamQuery(Handle stream, int) {
  const auto& queue = streams.at(stream).queue;
  return answer(queue->work.empty(), queue);
}
PyObject* runtime_streamWaitEvent(Handle stream, Handle handle, int, void*) {
  if (refused_in_capture()) return nullptr;
  const Event event = events.at(handle);
  if (event.queue) enqueue(stream, [=] { event.queue->run_until(event.position); });
  return none();
}

Handle runtime_eventCreateWithFlags(unsigned, int) {
  events[++last_handle] = {};
  return last_handle;
}
Handle runtime_eventCreate(int) { return runtime_eventCreateWithFlags(0, 0); }
PyObject* runtime_eventDestroy(Handle event, int) {
  events.erase(event);
  return none();
}
PyObject* runtime_eventRecord(Handle event, Handle stream, int) {
  if (refused_in_capture()) return nullptr;
  const auto& queue = streams.at(stream).queue;
  const std::chrono::duration<double, std::milli> now =
      std::chrono::steady_clock::now().time_since_epoch();
  events.at(event) = {queue, queue->added, now.count()};
  return none();
}
PyObject* runtime_eventSynchronize(Handle handle, int) {
  const Event event = events.at(handle);
  return wait([&] {
    if (!event.done()) event.queue->run_until(event.position);
  });
}
PyObject* runtime_eventQuery(Handle handle, int) {
  const Event event = events.at(handle);
  return answer(event.done(), event.queue);
}
float runtime_eventElapsedTime(Handle start, Handle end, int) {
  return events.at(end).time - events.at(start).time;
}

int runtime_streamIsCapturing(Handle stream, int) { return bool(streams.at(stream).capture); }
PyObject* runtime_streamBeginCapture(Handle stream, int, void*) {
  if (stream == 0 || capturing) return raise(capture_unsupported);
  capturing = true;
  capture_is_broken = false;
  streams.at(stream).capture = std::make_shared<std::vector<Work>>();
  return none();
}
Handle runtime_streamEndCapture(Handle stream, int) {
  const Graph graph = std::exchange(streams.at(stream).capture, nullptr);
  if (graph) capturing = false;
  if (!graph || capture_is_broken) return raise(capture_invalidated), 0;
  graphs[++last_handle] = graph;
  return last_handle;
}
Handle runtime_graphInstantiate(Handle graph, int) {
  graphs[++last_handle] = graphs.at(graph);
  return last_handle;
}
PyObject* runtime_graphUpload(Handle, Handle, int) { return none(); }
PyObject* runtime_graphLaunch(Handle handle, Handle stream, int) {
  ++counts["graph_launches"];
  enqueue(stream, [graph = graphs.at(handle)] {
    for (const Work& work : *graph) work();
  });
  return raise_failure();
}
PyObject* runtime_graphDestroy(Handle graph, int) {
  graphs.erase(graph);
  return none();
}
PyObject* runtime_graphExecDestroy(Handle graph, int) { return runtime_graphDestroy(graph, 0); }

}  // extern "C"

}  // namespace stand_in
