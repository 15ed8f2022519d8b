#include "halobrush/core/log.hpp"

#include <spdlog/sinks/null_sink.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cmath>

namespace halobrush {

std::shared_ptr<Logger> make_logger(bool speaks) {
  spdlog::sink_ptr sink;
  if (speaks)
    sink = std::make_shared<spdlog::sinks::stdout_sink_mt>();
  else
    sink = std::make_shared<spdlog::sinks::null_sink_mt>();
  auto logger = std::make_shared<Logger>("halobrush", sink);
  logger->set_pattern("%Y-%m-%dT%H:%M:%S %l: %v");
  logger->flush_on(spdlog::level::info);
  return logger;
}

Progress::Progress(Logger& log, std::string stage, double total, double interval_s)
    : log_(log),
      stage_(std::move(stage)),
      total_(total),
      interval_s_(interval_s),
      start_(Clock::now()),
      last_(start_) {}

void Progress::update(double done, const std::string& note) {
  const auto now = Clock::now();
  const bool finished = done >= total_;
  if (!finished && std::chrono::duration<double>(now - last_).count() < interval_s_) return;
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - start_).count();
  const double left = done > 0 ? elapsed * (total_ - done) / done : 0;
  log_.info("{}: {:.0f}/{:.0f} ({:.0f}%){}{}, {} {}", stage_, done, total_,
            total_ > 0 ? 100 * done / total_ : 100.0, note.empty() ? "" : ", ", note,
            human_duration(finished ? elapsed : left), finished ? "in all" : "left");
}

std::string human_duration(double seconds) {
  const auto s = static_cast<long>(std::lround(seconds));
  if (s < 60) return fmt::format("{:.1f}s", seconds);
  if (s < 3600) return fmt::format("{}m{:02}s", s / 60, s % 60);
  return fmt::format("{}h{:02}m", s / 3600, s % 3600 / 60);
}

std::string human_bytes(double bytes) {
  for (const char* unit : {"B", "KiB", "MiB", "GiB"}) {
    if (bytes < 1024) return fmt::format("{:.3g} {}", bytes, unit);
    bytes /= 1024;
  }
  return fmt::format("{:.3g} TiB", bytes);
}

}  // namespace halobrush
