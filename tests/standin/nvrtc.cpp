// A stand-in for libnvrtc.so.13: "compiles" CUDA C++ with g++ into a shared object.
// The image that it hands out is the ELF file behind the word PYXEMU. PYXEMU_FOLDER, given when
// this is built, is where pyxemu.h lies.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

struct Program {
    std::string source, title, log, image;
    std::vector<std::pair<std::string, std::string>> headers;
    std::vector<std::string> names, lowered;
};

static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

#define API extern "C" __attribute__((visibility("default"))) int
API nvrtcVersion(int* major, int* minor) { *major = 13; *minor = 0; return 0; }
API nvrtcGetNumSupportedArchs(int* n) { *n = 2; return 0; }
API nvrtcGetSupportedArchs(int* archs) { archs[0] = 80; archs[1] = 90; return 0; }
API nvrtcCreateProgram(Program** out, const char* source, const char* title, int n, const char* const* texts, const char* const* names) {
    Program* p = new Program;
    p->source = source;
    p->title = title ? title : "default_program";
    for (int i = 0; i < n; i++) p->headers.push_back({names[i], texts[i]});
    *out = p;
    return 0;
}
API nvrtcDestroyProgram(Program** p) { delete *p; *p = nullptr; return 0; }
API nvrtcAddNameExpression(Program* p, const char* name) { p->names.push_back(name); return 0; }

API nvrtcCompileProgram(Program* p, int, const char* const*) {
    char folder[] = "/tmp/pyxemu-XXXXXX";
    if (!mkdtemp(folder)) return 1;
    std::string at = folder;
    for (auto& h : p->headers) {
        std::string path = at + "/" + h.first;
        std::string make = "mkdir -p '" + path.substr(0, path.rfind('/')) + "'";
        if (system(make.c_str())) return 1;
        std::ofstream(path) << h.second;
    }
    std::ofstream out(at + "/kernel.cpp");
    out << "#line 1 \"" << p->title << "\"\n" << p->source << "\n";
    for (size_t i = 0; i < p->names.size(); i++) {
        p->lowered.push_back("pyxemu_kernel_" + std::to_string(i));
        out << "extern \"C\" __attribute__((visibility(\"default\"))) void* " << p->lowered[i]
            << "(int what, void* p) { return pyxemu_entry(&" << p->names[i] << ", what, p); }\n";
    }
    out.close();
    const char* flags = getenv("PYXEMU_FLAGS");
    std::string command = "g++ -std=c++17 -fPIC -shared -w -fvisibility=hidden -ftls-model=global-dynamic -fno-gnu-unique " +
                          std::string(flags ? flags : "-O1") + " -include '" PYXEMU_FOLDER "/pyxemu.h' -I '" + at + "' -o '" + at +
                          "/kernel.so' '" + at + "/kernel.cpp' > '" + at + "/log' 2>&1";
    int failed = system(command.c_str());
    p->log = read(at + "/log");
    if (!failed) p->image = "PYXEMU" + read(at + "/kernel.so");
    if (!getenv("PYXEMU_KEEP") && system(("rm -rf '" + at + "'").c_str())) return 1;
    return failed ? 6 : 0;
}
API nvrtcGetLoweredName(Program* p, const char* name, const char** lowered) {
    for (size_t i = 0; i < p->names.size(); i++)
        if (p->names[i] == name) {
            *lowered = p->lowered[i].c_str();
            return 0;
        }
    return 10;
}
API nvrtcGetProgramLogSize(Program* p, size_t* n) { *n = p->log.size() + 1; return 0; }
API nvrtcGetProgramLog(Program* p, char* out) { memcpy(out, p->log.c_str(), p->log.size() + 1); return 0; }
API nvrtcGetCUBINSize(Program* p, size_t* n) { *n = p->image.size(); return 0; }
API nvrtcGetCUBIN(Program* p, char* out) { memcpy(out, p->image.data(), p->image.size()); return 0; }
