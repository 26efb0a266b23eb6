/*
 * A plugin in C++ with what an engine in C++ brings: static objects with
 * destructors, exceptions, a thread of its own, thread-local objects. It
 * answers by file name.
 */
#include "avCxx.hpp"
#include "avPlugin.h"

#include <pthread.h>

#include <cstdio>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>

avir_plugin_config plugin_config[] = {{"Mode", "plain"}, {"", ""}};
const int CONFIG_SIZE = sizeof(plugin_config) / sizeof(plugin_config[0]);

namespace {

struct Answer {
    int verdict;
    std::string text;
};

/* A static object: made while the library loads, destroyed when the process exits. */
const std::map<std::string, Answer> answers{
    {"clean.exe", {AVCHK_OK, ""}},
    {"empty.file", {AVCHK_OK, ""}},
    {"huge.file", {AVCHK_OK, ""}},
    {"eicar.com", {AVCHK_VIRUS_FOUND, "Eicar-Test-Signature"}},
    {"eicar.zip", {AVCHK_VIRUS_FOUND, "Eicar-Test-Signature"}},
    {"eicarpwd.zip", {AVCHK_IMPOSSIBLE, "encrypted archive"}},
};

struct Unreadable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/* One of the engine's, on a thread that outlives a call and ends with pluginClose. */
class Updater {
  public:
    Updater() {
        pthread_mutex_init(&lock_, nullptr);
        pthread_cond_init(&changed_, nullptr);
        if (pthread_create(&thread_, nullptr, run, this) != 0)
            throw std::runtime_error("no thread for the updates");
    }
    ~Updater() {
        pthread_mutex_lock(&lock_);
        stop_ = true;
        pthread_cond_signal(&changed_);
        pthread_mutex_unlock(&lock_);
        pthread_join(thread_, nullptr);
    }

  private:
    static void *run(void *self) {
        Updater *updater = static_cast<Updater *>(self);
        pthread_mutex_lock(&updater->lock_);
        while (!updater->stop_)
            pthread_cond_wait(&updater->changed_, &updater->lock_);
        pthread_mutex_unlock(&updater->lock_);
        return nullptr;
    }
    pthread_t thread_;
    pthread_mutex_t lock_;
    pthread_cond_t changed_;
    bool stop_ = false;
};

std::unique_ptr<Updater> updater;

/* A thread-local object with a destructor, which runs when a host thread ends. */
struct Scratch {
    std::string path;
    ~Scratch() { path.clear(); }
};
thread_local Scratch scratch;

const Answer &judge(const std::string &path) {
    scratch.path = path;
    FILE *file = std::fopen(path.c_str(), "rbe");
    if (file == nullptr)
        throw Unreadable("the file can't be opened");
    bool readable = std::fgetc(file) != EOF || std::feof(file);
    std::fclose(file);
    if (!readable)
        throw Unreadable("not a readable file");
    auto found = answers.find(scratch.path.substr(scratch.path.rfind('/') + 1));
    if (found == answers.end())
        throw std::out_of_range("the plugin knows only its samples");
    return found->second;
}

} // namespace

int pluginInit(void) {
    try {
        updater.reset(new Updater);
        return 1;
    } catch (const std::exception &e) {
        std::snprintf(errorMessage, sizeof errorMessage, "%s", e.what());
        return 0;
    }
}

int pluginClose(void) {
    updater.reset();
    return 1;
}

int threadInit(void **context) {
    *context = new std::string;
    return 1;
}

int threadClose(void **context) {
    delete static_cast<std::string *>(*context);
    return 1;
}

int testFile(void *, const char *filename, const char *, char *, unsigned int, char *vir_info, unsigned int vi_size) {
    try {
        const Answer &answer = judge(filename);
        std::snprintf(vir_info, vi_size, "%s", answer.text.c_str());
        return answer.verdict;
    } catch (const Unreadable &e) {
        std::snprintf(vir_info, vi_size, "%s", e.what());
        return AVCHK_FAILED;
    } catch (const std::exception &e) {
        std::snprintf(vir_info, vi_size, "%s", e.what());
        return AVCHK_IMPOSSIBLE;
    }
}
