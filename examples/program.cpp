#include "program.hpp"

#include <filesystem>
#include <iostream>

#include "halobrush/core/error.hpp"
#include "halobrush/networks/setup.hpp"

namespace halobrush::examples {

int run_program(CLI::App& app, int argc, char** argv, const std::function<void()>& body) {
  networks::choose_blas_kernels(argv);
  try {
    app.parse(argc, argv);
    networks::set_up_torch(1, "cpu", 0);
    body();
    return static_cast<int>(ExitCode::done);
  } catch (const CLI::ParseError& error) {
    return static_cast<int>(app.exit(error) == 0 ? ExitCode::done : ExitCode::config);
  } catch (const Error& error) {
    std::cerr << app.get_name() << ": error: " << error.what() << std::endl;
    return static_cast<int>(error.code());
  } catch (const std::filesystem::filesystem_error& error) {
    std::cerr << app.get_name() << ": error: " << error.path1().string() << ": " << error.code().message()
              << "; choose another folder" << std::endl;
    return static_cast<int>(ExitCode::io);
  } catch (const std::exception& error) {
    std::cerr << app.get_name() << ": internal error: " << error.what() << std::endl;
    return static_cast<int>(ExitCode::internal);
  }
}

std::vector<double> flattened(const std::vector<Mat3>& rotations) {
  std::vector<double> values;
  for (const auto& r : rotations)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j) values.push_back(r(i, j));
  return values;
}

std::function<void(std::int64_t, double)> progress(const std::string& what, std::int64_t steps) {
  return [what, steps](std::int64_t step, double loss) {
    if (step * 10 / steps != (step - std::max<std::int64_t>(1, steps / 100)) * 10 / steps)
      std::cerr << fmt::format("{}: step {} of {}, loss {:.4f}\n", what, step, steps, loss);
  };
}

}  // namespace halobrush::examples
